import { Worker } from 'node:worker_threads'
import type { FromThread, ToThread } from '../../workers/all-thread.ts'
import type { Config } from '../config.ts'
import type { SentMetrics } from '../wiring-metrics.ts'

/** A thread that is busy reading is not waited for: what it counts is missing from this scrape. */
const METRICS_LIMIT_MS = 3_000

export type WorkersThread = {
  /** Resolves when a build has ended well, or the thread has (false); tells how far it is until then. */
  built(onProgress: (done: number, total: number) => void): Promise<boolean>
  /** Told once, when the thread has ended and nobody had asked it to. */
  onFailure(tell: (error: Error) => void): void
  /** What it has counted; nothing when it does not answer in time. */
  metrics(): Promise<SentMetrics>
  stop(): Promise<void>
}

/** Starts all workers as a thread of this process. */
export function startWorkersThread(config: Config): WorkersThread {
  const thread = new Worker(new URL('../../workers/all-thread.ts', import.meta.url), { workerData: { config } })
  let failure: Error | null = null
  let asked = false
  thread.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error))
  })
  // Made at once: who waits only when stopping would wait for ever for a thread that has ended before.
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  return {
    built: (onProgress) =>
      new Promise((resolve) => {
        thread.on('message', (message: FromThread) => {
          if (message.type === 'built') resolve(true)
          else if (message.type === 'progress') onProgress(message.done, message.total)
        })
        ended.then(() => resolve(false))
      }),
    onFailure: (tell) =>
      void ended.then(() => {
        if (!asked) tell(failure ?? new Error('the thread ended by itself'))
      }),
    metrics: metricsOf(thread, ended),
    stop: async () => {
      asked = true
      thread.postMessage({ type: 'stop' } satisfies ToThread)
      await ended
    },
  }
}

function metricsOf(thread: Worker, ended: Promise<void>): WorkersThread['metrics'] {
  const asking = new Map<number, (metrics: SentMetrics) => void>()
  let questions = 0
  thread.on('message', (message: FromThread) => {
    if (message.type === 'metrics') asking.get(message.question)?.(message.metrics)
  })
  return async () => {
    questions += 1
    const question = questions
    let timer: NodeJS.Timeout | undefined
    const answered = new Promise<SentMetrics>((resolve) => {
      asking.set(question, resolve)
      timer = setTimeout(() => resolve([]), METRICS_LIMIT_MS).unref()
      ended.then(() => resolve([]))
    })
    thread.postMessage({ type: 'metrics', question } satisfies ToThread)
    return answered.finally(() => {
      clearTimeout(timer)
      asking.delete(question)
    })
  }
}
