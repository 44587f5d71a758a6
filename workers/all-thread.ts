import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../src/config.ts'
import { createServiceLog } from '../src/wiring.ts'
import { metricRegistry, type SentMetrics, sentMetrics } from '../src/wiring-metrics.ts'
import { startWorkers, type WorkerRole } from '../src/wiring-workers.ts'

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
const isPublishing = config.feed.kind === 'kafka' || config.events !== null
const roles: WorkerRole[] = ['project', 'jobs', ...(isPublishing ? (['relay'] as const) : [])]
const registry = metricRegistry()
const workers = await startWorkers(config, createServiceLog(config), roles, {
  registry,
  listener: {
    onProgress: (done, total) => tell({ type: 'progress', done, total }),
    onBuilt: () => tell({ type: 'built' }),
  },
})
parentPort?.on('message', async (message: ToThread) => {
  if (message.type === 'metrics') {
    return tell({ type: 'metrics', question: message.question, metrics: await sentMetrics(registry) })
  }
  await workers.stop()
  // Lets the thread end.
  parentPort?.close()
})
