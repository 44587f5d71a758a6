import type { Config } from '../src/config.ts'
import type { Log } from '../src/ports.ts'
import { startWorkers, type WorkersOptions } from '../src/wiring-workers.ts'

/** The projecting worker: change feed → read models. It also builds them, so that they need no other worker. */
export function startProjectWorker(config: Config, log: Log, options: WorkersOptions) {
  return startWorkers(config, log, ['project'], options)
}
