import type { Config } from '../src/config.ts'
import type { Log } from '../src/ports.ts'
import { type BuildListener, startProjecting } from '../src/wiring-workers.ts'

const NOBODY: BuildListener = { onProgress: () => undefined, onBuilt: () => undefined }

/** The projecting worker: change feed → read models. */
export function startProjectWorker(config: Config, log: Log, listener = NOBODY) {
  return startProjecting(config, log, listener)
}
