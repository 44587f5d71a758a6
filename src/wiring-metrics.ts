import { expositionServer } from './adapters/prometheus/exposition-server.ts'
import { type MetricRegistry, metricRegistry } from './adapters/prometheus/families.ts'
import { neighbourMetrics } from './adapters/prometheus/neighbour-metrics.ts'
import { processMetrics } from './adapters/prometheus/process-metrics.ts'
import type { Log } from './ports.ts'

export type { MetricRegistry }

/** What a worker counts. */
export function wireWorkerMetrics() {
  return { registry: metricRegistry() }
}

/** What the API counts, whether somebody reads it or not: it costs a fraction of a microsecond each time. */
export function wireApiMetrics() {
  const registry = metricRegistry()
  return { registry, neighbours: neighbourMetrics(registry) }
}

/** Where `registry` is read, and with it what the process tells of itself. One a process. */
export function metricsServer(registry: MetricRegistry, log: Log) {
  const server = expositionServer({ registry, log })
  const stopMeasuring = processMetrics(registry)
  return {
    listen: server.listen,
    async close(): Promise<void> {
      await server.close()
      stopMeasuring()
    },
  }
}
