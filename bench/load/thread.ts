import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Load, LoadResult } from './load.ts'

export type LoadThread = { run(load: Load): Promise<LoadResult>; stop(): Promise<void> }

/** The generator in its thread. One load at a time. */
export function startLoadThread(): LoadThread {
  const worker = new Worker(new URL('./generator.ts', import.meta.url))
  return {
    async run(load) {
      const result = once(worker, 'message')
      worker.postMessage(load)
      const [answered] = (await result) as [LoadResult]
      return answered
    },
    stop: async () => void (await worker.terminate()),
  }
}
