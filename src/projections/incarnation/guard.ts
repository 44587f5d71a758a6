import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import type { Partition } from '../keys.ts'
import { lua } from '../lua.ts'
import type { Schemas } from '../schemas/schemas.ts'
import { type BeginDeps, beginner } from './begin.ts'
import { emptier } from './empty.ts'
import { type Lost, replayer } from './replay.ts'

const SET_IF = lua(import.meta.url, 'set-if-2')

export type IncarnationGuard = ReturnType<typeof incarnationGuard>
type Deps = BeginDeps &
  Omit<Parameters<typeof replayer>[0], 'begin'> & {
    redis: ReadModelRedis
    truth: Pick<Truth, 'now'>
    schemas: Pick<Schemas, 'seen' | 'register'>
  }

/**
 * Decides whether this Redis may be believed, and makes it so (design, section 3). Each partition's `inc` holds a random
 * value and the run id of the master that its read models were made on, and the database records it:
 * - another run id, or another than is recorded, and a mark: restarted, failed over, or a former master that has come
 *   back: it lacks what came after its mark: replay, begin anew;
 * - no `inc`, or no mark, or one that the database's clock has not reached, since it was set back or is another's: nobody
 *   knows what is there, or from when to replay: drop everything, begin empty.
 */
export function incarnationGuard(deps: Deps) {
  const { redis, keys, truth, schemas } = deps
  const begin = beginner(deps)
  const { beginEmpty, isBeingEmptied } = emptier({ redis, keys, begin })
  const replay = replayer({ ...deps, begin })

  const mend = async (partitions: Partition[]) => {
    const lost: Lost[] = []
    const unknown: { partition: Partition; held: string }[] = []
    for (const partition of partitions) {
      const [held, mark] = [await redis.get(partition.inc), await redis.get(partition.mark)]
      if (redis.runId(partition.inc) === null || isBeingEmptied(partition, held)) continue
      if (held !== null && isFrom(mark, await truth.now())) lost.push({ partition, held, mark })
      else unknown.push({ partition, held: held ?? '' })
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
      const states = await Promise.all(
        keys.partitions.map(async (partition) => {
          const [built, ahead] = await Promise.all([redis.get(partition.built), redis.get(partition.ahead)])
          const incarnation = redis.incarnation(partition.inc)
          return { partition, done: incarnation !== null && (built === incarnation || ahead === incarnation) }
        }),
      )
      return states.filter(({ done }) => !done).map(({ partition }) => partition)
    },
    /** Under this incarnation Redis was found ahead of the database: to build again would not mend it. */
    async isAhead({ ahead }: Partition, incarnation: string): Promise<boolean> {
      return (await redis.get(ahead)) === incarnation
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

/** Whether a mark says from when to replay. Times of the database compare as text. */
function isFrom(mark: string | null, now: string): mark is string {
  return mark !== null && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(mark) && mark <= now
}
