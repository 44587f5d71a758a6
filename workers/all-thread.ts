import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../src/config.ts'
import { createServiceLog } from '../src/wiring.ts'
import { startWorkers, type WorkerRole } from '../src/wiring-workers.ts'

/** What the thread tells of builds. */
export type FromThread = { type: 'progress'; done: number; total: number } | { type: 'built' }

// All workers as one thread of `users-service all`: reading the embedded database is synchronous, and so must not happen
// in the thread that answers requests.
const config = workerData.config as Config
const tell = (message: FromThread) => parentPort?.postMessage(message)
const isPublishing = config.feed.kind === 'kafka' || config.events !== null
const roles: WorkerRole[] = ['project', 'jobs', ...(isPublishing ? (['relay'] as const) : [])]
const workers = await startWorkers(config, createServiceLog(config), roles, {
  onProgress: (done, total) => tell({ type: 'progress', done, total }),
  onBuilt: () => tell({ type: 'built' }),
})
// Any message says stop. Closing the port lets the thread end.
parentPort?.once('message', async () => {
  await workers.stop()
  parentPort?.close()
})
