import type { Config } from '../src/config.ts'
import type { Log } from '../src/ports.ts'
import type { MetricRegistry } from '../src/wiring-metrics.ts'
import { startWorkers } from '../src/wiring-workers.ts'

/** The projecting worker: change feed → read models. It also builds them, so that they need no other worker. */
export function startProjectWorker(config: Config, log: Log, registry: MetricRegistry) {
  return startWorkers(config, log, ['project'], { registry })
}
