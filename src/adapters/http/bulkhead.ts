export type BulkheadLimits = {
  /** Calls at the same time. */
  concurrent: number
  /** Calls that wait for one of these to end; one more is refused. */
  waiting: number
  /** Who has waited longer is refused, too. */
  longestWaitMs: number
}
/** Thrown when too many wait already, or somebody has waited too long. */
export class Full extends Error {}

export type Bulkhead = ReturnType<typeof bulkhead>

/** Bounds what one neighbour can hold of this process: a slow one fills its own places, and nobody else's. */
export function bulkhead({ concurrent, waiting, longestWaitMs }: BulkheadLimits) {
  // A set keeps the order in which they came, and lets go of one in its midst.
  const queue = new Set<() => void>()
  let running = 0

  const enter = (signal: AbortSignal): Promise<void> => {
    if (running < concurrent) {
      running += 1
      return Promise.resolve()
    }
    if (queue.size >= waiting) return Promise.reject(new Full())
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        queue.delete(admit)
        signal.removeEventListener('abort', leave)
      }
      const admit = () => {
        end()
        resolve()
      }
      const leave = () => {
        end()
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        end()
        reject(new Full())
      }, longestWaitMs)
      queue.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
  /** The place goes straight to whoever has waited longest. */
  const leave = () => {
    const [next] = queue
    if (next === undefined) {
      running -= 1
      return
    }
    next()
  }
  return {
    /** Rejects with Full, or with the signal's reason when that is aborted while it waits. */
    async run<Answer>(signal: AbortSignal, work: () => Promise<Answer>): Promise<Answer> {
      signal.throwIfAborted()
      await enter(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
    running: () => running,
    waiting: () => queue.size,
  }
}
