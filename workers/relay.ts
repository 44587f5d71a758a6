import type { Config } from '../src/config.ts'
import type { Log } from '../src/ports.ts'
import { startWorkers, type WorkersOptions } from '../src/wiring-workers.ts'

/** The publishing worker: outbox and audit → Kafka. One of them is active; the others stand by. */
export function startRelayWorker(config: Config, log: Log, options: WorkersOptions) {
  return startWorkers(config, log, ['relay'], options)
}
