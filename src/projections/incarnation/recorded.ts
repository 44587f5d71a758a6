import type { Incarnations } from '../../ports/redis.ts'
import { gather } from '../gather.ts'
import type { Keys } from '../keys.ts'

type Deps = { incarnations: Pick<Incarnations, 'recorded'>; keys: Keys }

/**
 * Whether `incarnation` is recorded as the one that was begun last for the partition with this `inc` key. After a connection
 * all partitions are asked about at once: that is one read.
 */
export function isRecorded({ incarnations, keys }: Deps): (incKey: string, incarnation: string) => Promise<boolean> {
  const indexes = new Map(keys.partitions.map(({ inc, index }) => [inc, index]))
  const recorded = gather<string, Map<number, string>>({
    read: async () => new Map([[keys.tag, await incarnations.recorded(keys.tag)]]),
    ...{ batch: 1, maxReads: 1, maxWaiting: 1 },
  })
  return async (incKey, incarnation) => (await recorded(keys.tag)).get(indexes.get(incKey) ?? -1) === incarnation
}
