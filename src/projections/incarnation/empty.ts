import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Keys, Partition } from '../keys.ts'
import { type Begin, EMPTYING } from './begin.ts'
import { dropPartitions } from './drop.ts'

/** Walking through the keys of a full Redis takes seconds. */
const EMPTYING_LIMIT_MS = 30_000

type Deps = { redis: ReadModelRedis; keys: Keys; begin: Begin }

/** Empties partitions of which nobody knows what is in them. */
export function emptier({ redis, keys, begin }: Deps) {
  /** What was seen of partitions that are being emptied, and since when. */
  const lastSeen = new Map<string, { held: string; at: number }>()
  return {
    /** Under incarnations of its own, which nobody believes: of several workers, only the last to begin drops anything. */
    async beginEmpty(doubtful: { partition: Partition; held: string }[]) {
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
    },
    /** Another worker is at it, unless it has been for so long that it must have died. */
    isBeingEmptied({ inc }: Partition, held: string | null): boolean {
      if (!held?.endsWith(`.${EMPTYING}`)) return false
      const seen = lastSeen.get(inc)
      if (seen?.held !== held) lastSeen.set(inc, { held, at: Date.now() })
      return seen?.held !== held || Date.now() - seen.at < EMPTYING_LIMIT_MS
    },
  }
}
