import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../src/config.ts'
import { createServiceLog } from '../src/wiring.ts'
import { startProjectWorker } from './project.ts'

/** What the thread tells of builds. */
export type FromThread = { type: 'progress'; done: number; total: number } | { type: 'built' }

// The projecting worker as a thread of `users-service all`: reading the embedded database is synchronous, and so must not
// happen in the thread that answers requests.
const config = workerData.config as Config
const tell = (message: FromThread) => parentPort?.postMessage(message)
const worker = await startProjectWorker(config, createServiceLog(config), {
  onProgress: (done, total) => tell({ type: 'progress', done, total }),
  onBuilt: () => tell({ type: 'built' }),
})
// Any message says stop. Closing the port lets the thread end.
parentPort?.once('message', async () => {
  await worker.stop()
  parentPort?.close()
})
