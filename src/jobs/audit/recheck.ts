import type { Log, Truth } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import type { Examination, Tally } from '../../projections/consistency/tally.ts'
import { pace } from './pace.ts'

/** Where the recent changes that are still to be looked at begin, in the tally. */
const RECHECKED_TO = 'recheckedTo'
/** More recent changes than this in one go are left to the walk. */
const MAX_RECHECKED = 20_000

type Deps = {
  truth: Pick<Truth, 'now' | 'usersChangedSince'>
  tally: Pick<Tally, 'read' | 'remember'>
  /** Compares them with their copies, and puts right what differs. */
  users(userIds: number[]): Promise<Examination>
  recheckAfterMs: number
  usersPerSecond: number
  log: Log
}

/**
 * Looks at whoever has changed since the last time, up to a while ago, by the database's own record of it: a change that
 * the feed has lost is there as well. What a transaction made visible much later than it was made is left to the walk.
 */
export function rechecker({ truth, tally, users, recheckAfterMs, usersPerSecond, log }: Deps) {
  return async (stop: AbortSignal): Promise<Examination> => {
    const inTime = pace(usersPerSecond, stop)
    const until = timeBefore(await truth.now(), recheckAfterMs)
    const since = (await tally.read())[RECHECKED_TO] ?? until
    const total: Examination = { checked: 0, differing: 0, moving: 0 }
    for (let after = 0, seen = 0; ; ) {
      const userIds = await truth.usersChangedSince(since, after, MAX_BULK_USERS)
      const last = userIds.at(-1)
      if (last === undefined) break
      await inTime(userIds.length)
      const { checked, differing, moving } = await users(userIds)
      total.checked += checked
      total.differing += differing
      total.moving += moving
      seen += userIds.length
      after = last
      if (userIds.length < MAX_BULK_USERS) break
      if (seen >= MAX_RECHECKED) {
        log.info({ since, seen }, 'too many recent changes to look at each: the rest is left to the next walk')
        break
      }
    }
    await tally.remember(RECHECKED_TO, until)
    return total
  }
}

/** Both the database's: `YYYY-MM-DD HH:MM:SS.fff`, UTC. */
function timeBefore(time: string, ms: number): string {
  return new Date(Date.parse(`${time.replace(' ', 'T')}Z`) - ms).toISOString().replace('T', ' ').slice(0, -1)
}
