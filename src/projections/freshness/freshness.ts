import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log, Truth } from '../../ports.ts'
import type { Keys } from '../keys.ts'

/** How often the mark is read, which workers write every second. */
export const LOOK_EVERY_MS = 500
/** How often the database's clock is compared with this process's. */
const COMPARE_CLOCKS_EVERY_MS = 30_000
/** A mark older than this: nobody handles changes, and hits are no longer taken at their word (design, section 3). */
export const OLD_MS = 30_000

export type Freshness = ReturnType<typeof measureFreshness>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  truth: Pick<Truth, 'now'>
  log: Log
  /** Monotonic, ms. */
  clock?: () => number
}

/**
 * How old what Redis says may be, at most: the time since the oldest change that is not yet handled, by the workers' mark.
 * The mark is the database's time, so it is compared with the database's clock, as far as this process knows it.
 */
export function measureFreshness({ redis, keys, truth, log, clock = () => performance.now() }: Deps) {
  let mark: number | null = null
  /** Database time minus `clock`, taken so that ages come out too old rather than too young. */
  let offset: number | null = null
  let comparedAt = Number.NEGATIVE_INFINITY
  const startedAt = clock()

  const compareClocks = async () => {
    const askedAt = clock()
    offset = Date.parse(`${(await truth.now()).replace(' ', 'T')}Z`) - askedAt
    comparedAt = askedAt
  }
  const look = async () => {
    const marks = await Promise.all(keys.partitions.map((partition) => redis.get(partition.mark)))
    const times = marks.map((text) => (text === null ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}Z`)))
    const oldest = Math.min(...times)
    // A partition without a mark: nothing is known of it, and what was known grows old.
    if (!Number.isNaN(oldest)) mark = oldest
    if (clock() - comparedAt > COMPARE_CLOCKS_EVERY_MS) await compareClocks()
  }
  // One at a time: a database that hangs is not asked once more every half second.
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      .catch((error) => log.debug({ reason: String(error) }, 'the mark could not be read'))
      .finally(() => {
        looking = false
      })
  }, LOOK_EVERY_MS)
  timer.unref()
  const ageMs = (): number => {
    if (mark === null || offset === null) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.round(clock() + offset - mark))
  }
  return {
    /** What was committed longer ago than this is shown; infinite while it is not known. */
    ageMs,
    /** Until it is known, it counts from the start: a worker may be about to write the first mark. */
    isOld: () => {
      const age = ageMs()
      return (Number.isFinite(age) ? age : clock() - startedAt) > OLD_MS
    },
    look,
    stop: () => clearInterval(timer),
  }
}
