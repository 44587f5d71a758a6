import type { Config } from '../config.ts'
import type { Log } from '../ports.ts'
import { type MetricRegistry, metricsServer, type SentMetrics } from '../wiring-metrics.ts'
import { checkAddress, listenOn } from './listening.ts'

const VARIABLES = 'METRICS_'

export async function checkMetricsAddress({ metrics }: Pick<Config, 'metrics'>): Promise<void> {
  if (metrics !== null) await checkAddress(metrics, VARIABLES)
}

/** Answers what ends it. `others`: what other threads of this process have counted. */
export async function serveMetrics(
  { metrics }: Pick<Config, 'metrics'>,
  registry: MetricRegistry,
  log: Log,
  others?: () => Promise<SentMetrics>,
): Promise<() => Promise<void>> {
  if (metrics === null) return async () => undefined
  const server = metricsServer(registry, log, others)
  try {
    const address = await listenOn(server, metrics, VARIABLES)
    log.info({ address }, 'serving metrics')
    return server.close
  } catch (error) {
    await server.close()
    throw error
  }
}
