import type { Config } from '../src/config.ts'
import type { Log } from '../src/ports.ts'
import { startWorkers, type WorkersOptions } from '../src/wiring-workers.ts'

/** The jobs worker: audits, and builds of the read models. */
export function startJobsWorker(config: Config, log: Log, options: WorkersOptions) {
  return startWorkers(config, log, ['jobs'], options)
}
