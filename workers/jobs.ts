import type { Config } from '../src/config.ts'
import type { Log } from '../src/ports.ts'
import type { MetricRegistry } from '../src/wiring-metrics.ts'
import { startWorkers } from '../src/wiring-workers.ts'

/** The jobs worker: audits, and builds of the read models. */
export function startJobsWorker(config: Config, log: Log, registry: MetricRegistry) {
  return startWorkers(config, log, ['jobs'], { registry })
}
