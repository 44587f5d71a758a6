import { parentPort, workerData } from 'node:worker_threads'
import { type Config, inEnvironment } from '../src/config.ts'
import type { SentMetrics } from '../src/wiring-metrics.ts'
import { startTracing } from '../src/wiring-tracing.ts'

/** What the thread tells of builds, and what it has counted, when it is asked. */
export type FromThread =
  | { type: 'progress'; done: number; total: number }
  | { type: 'built' }
  | { type: 'metrics'; question: number; metrics: SentMetrics }
export type ToThread = { type: 'stop' } | { type: 'metrics'; question: number }

// All workers as one thread of `users-service all`: reading the embedded database is synchronous, and so must not happen
// in the thread that answers requests.
const config = workerData.config as Config
const tell = (message: FromThread) => parentPort?.postMessage(message)
const tracing = await startTracing(config.tracing, inEnvironment)
// Only now: an agent stands around what is imported after it, in each thread.
const { startAllRoles } = await import('./all-roles.ts')
const listener = {
  onProgress: (done: number, total: number) => tell({ type: 'progress', done, total }),
  onBuilt: () => tell({ type: 'built' }),
}
const workers = await startAllRoles(config, listener, tracing)
parentPort?.on('message', async (message: ToThread) => {
  if (message.type === 'metrics') {
    return tell({ type: 'metrics', question: message.question, metrics: await workers.metrics() })
  }
  await workers.stop()
  await tracing?.stop()
  // Lets the thread end; where an agent still waits for its collector, ends it.
  parentPort?.close()
  if (tracing) process.exit()
})
