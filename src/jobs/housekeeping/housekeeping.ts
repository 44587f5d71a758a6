import type { Log } from '../../ports.ts'

/** Work that has to be done now and then, and may be broken off and begun again at any time. */
export type HousekeepingTask = {
  /** Lower-case words with hyphens: the log names it. */
  name: string
  /** Answers how many it has removed. Ends soon when it is told to. */
  run(stop: AbortSignal): Promise<number>
}

/** One task after the other; that one fails keeps none of the others from being done. Rejects when any has failed. */
export function housekeeping(tasks: HousekeepingTask[], log: Log) {
  return async (stop: AbortSignal): Promise<void> => {
    const failed: string[] = []
    for (const { name, run } of tasks) {
      if (stop.aborted) break
      try {
        const removed = await run(stop)
        if (removed > 0) log.info({ task: name, removed }, 'housekeeping')
      } catch (error) {
        log.warn({ task: name, reason: String(error) }, 'housekeeping failed')
        failed.push(name)
      }
    }
    if (failed.length > 0) throw new Error(`housekeeping failed: ${failed.join(', ')}`)
    stop.throwIfAborted()
  }
}
