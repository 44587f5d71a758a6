import { randomBytes } from 'node:crypto'
import type { Incarnations, Log, ReadModelRedis, Truth } from '../../ports.ts'
import type { Keys, Partition } from '../keys.ts'
import { lua } from '../lua.ts'
import type { Projector } from '../projector.ts'
import type { Schemas } from '../schemas/schemas.ts'
import { dropPartitions } from './drop.ts'

const BEGIN = lua(import.meta.url, 'begin-3')
const SET_IF = lua(import.meta.url, 'set-if-2')
const REPLAY_PAGE = 500
const RANDOM_BYTES = 6
/** Ends an incarnation that is being emptied; no run id is like it, so nobody believes it. */
const EMPTYING = 'emptying'
/** Walking through the keys of a full Redis takes seconds. */
const EMPTYING_LIMIT_MS = 30_000

export type IncarnationGuard = ReturnType<typeof incarnationGuard>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  truth: Truth
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
  schemas: Pick<Schemas, 'seen' | 'register'>
  incarnations: Incarnations
  /** No writer's transaction lasts longer: a change made before the mark may have become visible this much after it. */
  longestTransactionMs: number
  log: Log
}
type Lost = { partition: Partition; held: string; mark: string }

/**
 * Decides whether this Redis may be believed, and makes it so (design, section 3). Each partition's `inc` holds a random
 * value and the run id of the master that its read models were made on, and the database records it:
 * - another run id, or another than is recorded, and a mark: restarted, failed over, or a former master that has come
 *   back: it lacks what came after its mark: replay, begin anew;
 * - no `inc`, or no mark: nobody knows what is there, or from when to replay: drop everything, begin empty.
 */
export function incarnationGuard({
  redis,
  keys,
  truth,
  projector,
  schemas,
  incarnations,
  longestTransactionMs,
  log,
}: Deps) {
  /** What was seen of partitions that are being emptied, and since when. */
  const lastSeen = new Map<string, { held: string; at: number }>()
  const begin = async (
    { index, inc, built, mark }: Partition,
    replaced: string,
    how: 'replayed' | 'empty' | 'emptying',
  ) => {
    const runId = how === 'emptying' ? EMPTYING : redis.runId(inc)
    if (runId === null) return null
    const incarnation = `${randomBytes(RANDOM_BYTES).toString('hex')}.${runId}`
    const recorded = (await incarnations.recorded(keys.tag)).get(index) ?? null
    const begun = (await redis.run(BEGIN, [inc, built, mark], [replaced, incarnation, how])) === 1
    if (begun && how !== 'emptying') {
      // Until it is recorded nobody believes it; what fails here is begun again.
      await incarnations.replace(keys.tag, index, recorded, incarnation)
      log.info({ incarnation, how }, 'began a new incarnation of the read models')
    }
    await redis.refreshIncarnation(inc)
    return begun ? incarnation : null
  }

  /** Under incarnations of its own, which nobody believes: of several workers, only the last to begin drops anything. */
  const beginEmpty = async (doubtful: { partition: Partition; held: string }[]) => {
    const emptying = new Map<Partition, string>()
    for (const { partition, held } of doubtful) {
      const incarnation = await begin(partition, held, 'emptying')
      if (incarnation === null) continue
      emptying.set(partition, incarnation)
      // One's own that was broken off is begun again at once.
      lastSeen.set(partition.inc, { held: incarnation, at: Number.NEGATIVE_INFINITY })
    }
    if (emptying.size === 0) return
    await dropPartitions(redis, keys, emptying)
    for (const [partition, incarnation] of emptying) await begin(partition, incarnation, 'empty')
  }

  /** One walk through what has changed since, for all partitions that have lost something. */
  const replay = async (lost: Lost[]) => {
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

  /** Another worker is at it, unless it has been for so long that it must have died. */
  const isBeingEmptied = ({ inc }: Partition, held: string | null): boolean => {
    if (!held?.endsWith(`.${EMPTYING}`)) return false
    const seen = lastSeen.get(inc)
    if (seen?.held !== held) lastSeen.set(inc, { held, at: Date.now() })
    return seen?.held !== held || Date.now() - seen.at < EMPTYING_LIMIT_MS
  }

  const mend = async (partitions: Partition[]) => {
    const lost: Lost[] = []
    const unknown: { partition: Partition; held: string }[] = []
    for (const partition of partitions) {
      const [held, mark] = [await redis.get(partition.inc), await redis.get(partition.mark)]
      if (redis.runId(partition.inc) === null || isBeingEmptied(partition, held)) continue
      if (held === null || mark === null) unknown.push({ partition, held: held ?? '' })
      else lost.push({ partition, held, mark })
    }
    if (unknown.length > 0) await beginEmpty(unknown)
    if (lost.length > 0) await replay(lost)
  }

  return {
    /** Looks, and mends. Answers the partitions that must be built. */
    async check(): Promise<Partition[]> {
      // Before anything is read for it: from here on, everybody who changes the truth fences here as well.
      if (!(await schemas.seen())) await schemas.register()
      const beliefs = await Promise.all(keys.partitions.map(({ inc }) => redis.refreshIncarnation(inc)))
      const doubtful = keys.partitions.filter((_, i) => beliefs[i] === null)
      if (doubtful.length > 0) await mend(doubtful)
      const built = await Promise.all(keys.partitions.map((partition) => redis.get(partition.built)))
      return keys.partitions.filter(({ inc }, i) => built[i] === null || built[i] !== redis.incarnation(inc))
    },
    /** Call when everything has been built under this incarnation. */
    async markBuilt({ built, inc }: Partition, incarnation: string): Promise<boolean> {
      return (await redis.run(SET_IF, [built, inc], [incarnation, incarnation])) === 1
    },
    async writeMark(mark: string): Promise<void> {
      await Promise.all(
        keys.partitions.map(async (partition) => {
          const incarnation = redis.incarnation(partition.inc)
          if (incarnation !== null) await redis.run(SET_IF, [partition.mark, partition.inc], [mark, incarnation])
        }),
      )
    },
  }
}

/** `time` and the result are the database's: `YYYY-MM-DD HH:MM:SS.fff`, UTC. */
function earlier(time: string, byMs: number): string {
  const at = new Date(`${time.replace(' ', 'T')}Z`).getTime() - byMs
  return new Date(at).toISOString().replace('T', ' ').slice(0, -1)
}
