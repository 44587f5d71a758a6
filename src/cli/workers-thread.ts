import { Worker } from 'node:worker_threads'
import type { FromThread } from '../../workers/all-thread.ts'
import type { Config } from '../config.ts'

export type WorkersThread = {
  /** Resolves when a build has ended well, or the thread has (false); tells how far it is until then. */
  built(onProgress: (done: number, total: number) => void): Promise<boolean>
  /** Told once, when the thread has ended and nobody had asked it to. */
  onFailure(tell: (error: Error) => void): void
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
          else onProgress(message.done, message.total)
        })
        ended.then(() => resolve(false))
      }),
    onFailure: (tell) =>
      void ended.then(() => {
        if (!asked) tell(failure ?? new Error('the thread ended by itself'))
      }),
    stop: async () => {
      asked = true
      thread.postMessage('stop')
      await ended
    },
  }
}
