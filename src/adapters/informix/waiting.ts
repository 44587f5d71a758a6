import { DomainError } from '../../domain/errors.ts'

/**
 * Who waits for a connection, first come, first served; each for its own time, and no more than `maxWaiting`. `isOpening`:
 * whoever has waited in vain has waited for the database, and not for others who use it.
 */
export function waitingLine<Thing>(maxWaiting: number, isOpening: () => boolean) {
  type Waiter = { resolve(thing: Thing): void; reject(error: unknown): void; timer: NodeJS.Timeout }
  const waiters = new Set<Waiter>()
  const leave = (waiter: Waiter) => {
    waiters.delete(waiter)
    clearTimeout(waiter.timer)
  }
  const busy = (why: string) => new DomainError('busy', why)
  return {
    join: (limitMs: number): Promise<Thing> =>
      new Promise((resolve, reject) => {
        if (waiters.size >= maxWaiting) return reject(busy('Too many wait for a connection to the database.'))
        const timer = setTimeout(() => {
          waiters.delete(waiter)
          reject(
            isOpening()
              ? new DomainError('database-unavailable', 'The database did not let this service in in time.')
              : busy('No connection to the database was free in time.'),
          )
        }, limitMs)
        const waiter: Waiter = { resolve, reject, timer }
        waiters.add(waiter)
      }),
    /** False: nobody waits. */
    giveNext(thing: Thing): boolean {
      const [first] = waiters
      if (!first) return false
      leave(first)
      first.resolve(thing)
      return true
    },
    failAll(error: unknown): void {
      for (const waiter of [...waiters]) {
        leave(waiter)
        waiter.reject(error)
      }
    },
    length: () => waiters.size,
  }
}
