import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Tracing } from '../../ports/tracing.ts'
import { openTelemetryTracing } from './tracing.ts'

export type OpenTelemetryOptions = {
  url: string
  headers: Record<string, string>
  serviceName: string
  /** Of the traces that begin here. */
  share: number
  release: string
  hotOneIn: number
}
/** More that wait to be sent are dropped. */
const MAX_WAITING = 4_096
const MAX_A_BATCH = 512
const SEND_EVERY_MS = 5_000
const SEND_LIMIT_MS = 3_000
/** Whoever ends waits no longer for the collector. */
const STOP_LIMIT_MS = 3_000

/** Once a thread. What a collector that is away would have been sent is dropped in the end. */
export function startOpenTelemetry(options: OpenTelemetryOptions): Tracing {
  const { url, headers, serviceName, release, share, hotOneIn } = options
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: SEND_LIMIT_MS })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': release }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MAX_WAITING,
        maxExportBatchSize: MAX_A_BATCH,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_LIMIT_MS,
      }),
    ],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return openTelemetryTracing(provider.getTracer(serviceName, release), {
    hotOneIn,
    async stop() {
      const late = new Promise((resolve) => setTimeout(resolve, STOP_LIMIT_MS).unref())
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    },
  })
}
