import { randomBytes } from 'node:crypto'
import type { Log, ReadModelRedis, Truth } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import type { Projector } from '../projector.ts'

const BEGIN = lua(import.meta.url, 'begin-3')
const SET_IF = lua(import.meta.url, 'set-if-2')
const REPLAY_PAGE = 500
const RANDOM_BYTES = 6

export type IncarnationGuard = ReturnType<typeof incarnationGuard>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  truth: Truth
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
  /** No writer's transaction lasts longer: a change made before the mark may have become visible this much after it. */
  longestTransactionMs: number
  log: Log
}

/**
 * Decides whether this Redis may be believed, and makes it so (design, section 3). `inc` holds a random value and the
 * run id of the master that the read models were made on:
 * - no `inc`: Redis is empty as far as we know: begin a new incarnation at once; nothing counts as built;
 * - another run id: restarted or failed over, and may have lost what came after the mark: replay, then begin anew;
 * - the same, but no mark: nobody knows from when to replay: drop everything, begin empty.
 */
export function incarnationGuard({ redis, keys, truth, projector, longestTransactionMs, log }: Deps) {
  const begin = async (replaced: string, how: 'replayed' | 'empty') => {
    const runId = redis.runId()
    if (runId === null) return
    const incarnation = `${randomBytes(RANDOM_BYTES).toString('hex')}.${runId}`
    const begun = await redis.run(BEGIN, [keys.inc, keys.built, keys.mark], [replaced, incarnation, how])
    await redis.refreshIncarnation()
    if (begun === 1) log.info({ incarnation, how }, 'began a new incarnation of the read models')
  }
  const replay = async (incarnation: string, mark: string) => {
    const since = earlier(mark, longestTransactionMs)
    let replayed = 0
    for (let after = 0; ; ) {
      const userIds = await truth.usersChangedSince(since, after, REPLAY_PAGE)
      await projector.projectUsers(userIds, incarnation)
      replayed += userIds.length
      const last = userIds.at(-1)
      if (last === undefined || userIds.length < REPLAY_PAGE) break
      after = last
    }
    await projector.projectRoles(incarnation)
    log.info({ since, replayed }, 'replayed onto a Redis that was restarted or failed over')
  }

  return {
    /** Looks, and mends. True: the read models are complete; false: they must be built. */
    async check(): Promise<boolean> {
      const believed = await redis.refreshIncarnation()
      if (believed !== null) return (await redis.get(keys.built)) === believed
      const held = await redis.get(keys.inc)
      const mark = await redis.get(keys.mark)
      if (redis.runId() === null) return false
      if (held === null) {
        await begin('', 'empty')
      } else if (mark !== null) {
        await replay(held, mark)
        await begin(held, 'replayed')
      } else {
        await redis.deleteMatching(keys.everything, (key) => !keys.isOwn(key) || key === keys.inc)
        await begin(held, 'empty')
      }
      const now = redis.incarnation()
      return now !== null && (await redis.get(keys.built)) === now
    },
    /** Call when everything has been built under `incarnation`. */
    async markBuilt(incarnation: string): Promise<boolean> {
      return (await redis.run(SET_IF, [keys.built, keys.inc], [incarnation, incarnation])) === 1
    },
    async writeMark(mark: string): Promise<void> {
      const incarnation = redis.incarnation()
      if (incarnation !== null) await redis.run(SET_IF, [keys.mark, keys.inc], [mark, incarnation])
    },
    /** Copies of other databases (a fresh one has another epoch) that nobody will ever read again. */
    async dropOtherEpochs(): Promise<void> {
      const dropped = await redis.deleteMatching(keys.everything, keys.isOwnEpoch)
      if (dropped > 0) log.info({ dropped }, 'dropped the keys of other databases')
    },
  }
}

/** `time` and the result are the database's: `YYYY-MM-DD HH:MM:SS.fff`, UTC. */
function earlier(time: string, byMs: number): string {
  const at = new Date(`${time.replace(' ', 'T')}Z`).getTime() - byMs
  return new Date(at).toISOString().replace('T', ' ').slice(0, -1)
}
