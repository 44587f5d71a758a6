import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { FromThread } from '../../workers/project-thread.ts'
import type { Config } from '../config.ts'

export type ProjectThread = {
  /** Resolves when a build has ended; tells how far it is until then. Rejects when the thread ends. */
  built(onProgress: (done: number, total: number) => void): Promise<void>
  onFailure(tell: (error: Error) => void): void
  stop(): Promise<void>
}

/** Starts the projecting worker as a thread of this process. */
export function startProjectThread(config: Config): ProjectThread {
  const thread = new Worker(new URL('../../workers/project-thread.ts', import.meta.url), { workerData: { config } })
  return {
    built: (onProgress) =>
      new Promise((resolve, reject) => {
        thread.on('message', (message: FromThread) => {
          if (message.type === 'built') resolve()
          else onProgress(message.done, message.total)
        })
        thread.once('exit', () => reject(new Error('the worker ended')))
      }),
    onFailure: (tell) => void thread.on('error', tell),
    stop: async () => {
      const ended = once(thread, 'exit')
      thread.postMessage('stop')
      await ended
    },
  }
}
