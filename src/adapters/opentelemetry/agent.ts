import { context, type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api'
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
/** Of what goes wrong with the collector so much is said, and no more often. */
const SAID_CHARS = 200
const SAY_EVERY_MS = 60_000
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
  diag.setLogger(sparingly(), DiagLogLevel.WARN)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return openTelemetryTracing(provider.getTracer(serviceName, release), {
    hotOneIn,
    async stop() {
      const late = new Promise((resolve) => setTimeout(resolve, STOP_LIMIT_MS).unref())
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    },
  })
}

/** A wrong endpoint or key is said on the standard error: what is sent is sent by nobody whom a log has been given. */
function sparingly(): DiagLogger {
  let saidAtMs = Number.NEGATIVE_INFINITY
  const say = (message: string): void => {
    if (performance.now() - saidAtMs < SAY_EVERY_MS) return
    saidAtMs = performance.now()
    process.stderr.write(`OpenTelemetry: ${message.split('\n', 1)[0]?.slice(0, SAID_CHARS)}\n`)
  }
  const ignore = (): void => undefined
  return { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore }
}
