import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Keys, Partition } from '../keys.ts'
import { lua } from '../lua.ts'

const DROP = lua(import.meta.url, 'drop-n')

/**
 * Drops what these partitions hold, in one walk through all keys, and each only while its `inc` holds what is said here:
 * who has begun another incarnation meanwhile keeps what was written under it. The `inc` themselves stay.
 */
export async function dropPartitions(redis: ReadModelRedis, keys: Keys, under: Map<Partition, string>): Promise<void> {
  await redis.scan(keys.ownEverywhere, async (found) => {
    for (const [{ base, inc }, incarnation] of under) {
      const doomed = found.filter((key) => key.startsWith(base) && key !== inc)
      if (doomed.length > 0) await redis.run(DROP, [inc, ...doomed], [incarnation])
    }
  })
}

/** Drops an `inc` that still holds this. */
export async function dropIncarnation(redis: ReadModelRedis, { inc }: Partition, incarnation: string): Promise<void> {
  await redis.run(DROP, [inc, inc], [incarnation])
}
