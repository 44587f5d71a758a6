import { setTimeout as wait } from 'node:timers/promises'
import type { Check } from './plugins/health.ts'
import { waitingServer } from './plugins/waiting-server.ts'
import type { Log } from './ports.ts'
import { OutOfReachError, type ReadEpoch, readEpoch } from './wiring-database.ts'

/** Between two attempts to reach the database: at first, and at most, each shortened by chance by up to half. */
const FIRST_PAUSE_MS = 250
const MAX_PAUSE_MS = 5_000
/** Of why it does not answer: each reason once. The first is often only that its time was up. */
const MAX_REASONS = 8

/** What readiness says of a database that has not answered since the process began. */
export const waitingChecks = (): Record<string, Check> => ({
  database: { state: 'failing', why: 'has not answered since this process began; it waits for it' },
})

/** Where probes are answered meanwhile. */
export const waitingDoor = () => waitingServer(waitingChecks)

/** `begun` and `over` are told once each, and only when there is something to wait for. */
type Options = { log: Log; begun?(): Promise<unknown>; over?(): Promise<unknown> }

/**
 * Reads which history the database is in, and waits for a database that is out of reach, for as long as that takes: who starts
 * during an outage is there when it ends. What no waiting mends rejects at once, as readEpoch says.
 */
export function epochInTime({ log, begun, over }: Options): ReadEpoch {
  return async (database) => {
    let waitsSinceMs: number | null = null
    const told = new Set<string>()
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      const epoch = await readEpoch(database).catch((error) => {
        if (!(error instanceof OutOfReachError && error.mayPass)) throw error
        const { message: reason } = error
        if (!told.has(reason) && told.size < MAX_REASONS) log.warn({ reason }, 'waiting for the database')
        told.add(reason)
        return null
      })
      if (epoch === null) {
        if (waitsSinceMs === null) await begun?.()
        waitsSinceMs ??= performance.now()
        await wait(pauseMs * (1 - Math.random() / 2))
        continue
      }
      if (waitsSinceMs !== null) {
        log.info({ waitedMs: Math.round(performance.now() - waitsSinceMs) }, 'the database answers')
        await over?.()
      }
      return epoch
    }
  }
}
