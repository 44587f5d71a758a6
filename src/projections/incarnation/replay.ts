import type { Log, Truth } from '../../ports.ts'
import type { Keys, Partition } from '../keys.ts'
import type { Projector } from '../projector.ts'
import type { Begin } from './begin.ts'

const REPLAY_PAGE = 500

export type Lost = { partition: Partition; held: string; mark: string }
type Deps = {
  keys: Keys
  truth: Pick<Truth, 'usersChangedSince'>
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
  begin: Begin
  /** No writer's transaction lasts longer: a change made before the mark may have become visible this much after it. */
  longestTransactionMs: number
  log: Log
}

/** One walk through what has changed since the mark, for all partitions that have lost something. */
export function replayer({ keys, truth, projector, begin, longestTransactionMs, log }: Deps) {
  return async (lost: Lost[]) => {
    const under = new Map(lost.map(({ partition, held }) => [partition, held]))
    const since = earlier(lost.map(({ mark }) => mark).sort()[0] ?? '', longestTransactionMs)
    let replayed = 0
    for (let after = 0; ; ) {
      const userIds = await truth.usersChangedSince(since, after, REPLAY_PAGE)
      await projector.projectUsers(
        userIds.filter((userId) => under.has(keys.of(userId))),
        under,
      )
      replayed += userIds.length
      const last = userIds.at(-1)
      if (last === undefined || userIds.length < REPLAY_PAGE) break
      after = last
    }
    if (under.has(keys.home)) await projector.projectRoles(under.get(keys.home))
    for (const { partition, held } of lost) await begin(partition, held, 'replayed')
    log.info({ since, replayed }, 'replayed onto a Redis that was restarted or failed over')
  }
}

/** `time` and the result are the database's: `YYYY-MM-DD HH:MM:SS.fff`, UTC. */
export function earlier(time: string, byMs: number): string {
  const at = new Date(`${time.replace(' ', 'T')}Z`).getTime() - byMs
  return new Date(at).toISOString().replace('T', ' ').slice(0, -1)
}
