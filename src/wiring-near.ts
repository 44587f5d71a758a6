import type { RedisClient } from './adapters/redis/client.ts'
import { trackAll } from './adapters/redis/tracking.ts'
import type { Log, ReadModels } from './ports.ts'
import type { Keys } from './projections/keys.ts'
import { LEAST_ENTRY_BYTES } from './projections/near/near-cache.ts'
import { nearCaches } from './projections/near/near-caches.ts'
import { forgettingReadModels, type NearReads, nearReads } from './projections/near/near-reads.ts'
import type { HotReadDeps } from './queries/index.ts'
import type { TagBase } from './wire/etag.ts'
import { type ReadAge, UNKNOWN_AGE } from './wire/read-age.ts'

export type Near = {
  /** What queries read. */
  reads: NearReads & { readAge: ReadAge }
  /** What commands call, when this process is to forget what they have changed. */
  forgetting(readModels: ReadModels): ReadModels
  /** Null: nothing is answered before the router. */
  hot: Omit<HotReadDeps, 'requestId'> | null
  stop(): void
}
type Parts = NearReads & {
  redis: Pick<RedisClient, 'masters'>
  keys: Keys
  tagBase: TagBase
  maxBytes: number
  log: Log
}

/** What the API reads, through a near cache of `maxBytes`; too few for a single entry are none. */
export function wireNear({ views, roles, redis, keys, tagBase, maxBytes, log }: Parts): Near {
  const readAge = UNKNOWN_AGE
  if (maxBytes < LEAST_ENTRY_BYTES) {
    return {
      reads: { views, roles, readAge },
      forgetting: (readModels) => readModels,
      hot: null,
      stop: () => undefined,
    }
  }
  const masters = () => redis.masters().map((master) => ({ redis: master, beatPrefix: keys.beats }))
  const near = nearCaches({ invalidations: trackAll({ masters, log }), keys, maxBytes })
  return {
    reads: { ...nearReads({ views, roles, near, tagBase }), readAge },
    forgetting: (readModels) => forgettingReadModels(readModels, near),
    hot: { users: near.users, readAge },
    stop: near.stop,
  }
}
