import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { OpenLoad, OpenResult } from './open-load.ts'

/** One load at a time. `begin` answers what ends it. */
export type OpenThread = { begin(load: OpenLoad): () => Promise<OpenResult>; stop(): Promise<void> }

export function startOpenThread(): OpenThread {
  const worker = new Worker(new URL('./open-generator.ts', import.meta.url))
  return {
    begin(load) {
      const result = once(worker, 'message')
      worker.postMessage(load)
      return async () => {
        worker.postMessage('stop')
        return (await result)[0] as OpenResult
      }
    },
    stop: async () => void (await worker.terminate()),
  }
}
