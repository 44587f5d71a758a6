import type { RedisClient } from './adapters/redis/client.ts'
import { trackAll } from './adapters/redis/tracking.ts'
import type { ReadObserver } from './ports/metrics.ts'
import type { Log } from './ports.ts'
import type { Freshness } from './projections/freshness/freshness.ts'
import type { Keys } from './projections/keys.ts'
import { LEAST_ENTRY_BYTES } from './projections/near/near-cache.ts'
import { type NearCaches, nearCaches } from './projections/near/near-caches.ts'
import { type NearReads, nearReads } from './projections/near/near-reads.ts'
import type { VersionFloor } from './projections/version-floor.ts'
import type { HotReadDeps } from './queries/index.ts'
import type { TagBase } from './wire/etag.ts'
import { readAge } from './wire/read-age.ts'
import { type ReadHead, readHead } from './wire/source.ts'

export type Near = {
  /** What queries read. */
  reads: NearReads & { readHead: ReadHead }
  /** For what is answered before the router. */
  hot: Pick<HotReadDeps, 'users' | 'views' | 'readAge'>
  /** What is held, and was; null: there is no near cache. */
  figures: (() => NearFigures) | null
  /** As of when it is known to be told of changes, by `performance.now()`; null: there is none. */
  provedAtMs: (() => number) | null
  stop(): void
}
type Sizes = ReturnType<NearCaches['users']['size']>
type NearFigures = Sizes & ReturnType<NearCaches['users']['counts']>
type Parts = NearReads & {
  redis: Pick<RedisClient, 'masters' | 'onMastersChange'>
  keys: Keys
  freshness: Freshness
  floor: VersionFloor
  tagBase: TagBase
  maxBytes: number
  observer: ReadObserver
  log: Log
}

/** What the API reads, through a near cache of `maxBytes`; too few for a single entry are none. */
export function wireNear({
  views,
  roles,
  redis,
  keys,
  freshness,
  floor,
  tagBase,
  maxBytes,
  observer,
  log,
}: Parts): Near {
  if (maxBytes < LEAST_ENTRY_BYTES) {
    const age = readAge({ freshness, provedAtMs: () => Number.NEGATIVE_INFINITY })
    return {
      reads: { views, roles, readHead: observed(readHead(age), observer) },
      hot: { users: null, views, readAge: age },
      figures: null,
      provedAtMs: null,
      stop: () => undefined,
    }
  }
  const invalidations = trackAll({ masters: () => redis.masters(keys.beats), log })
  redis.onMastersChange(invalidations.mastersChanged)
  const near = nearCaches({ invalidations, keys, freshness, maxBytes })
  const age = readAge({ freshness, provedAtMs: near.provedAtMs })
  const reads = nearReads({ views, roles, near, floor, tagBase })
  return {
    reads: { ...reads, readHead: observed(readHead(age), observer) },
    hot: { users: near.users, views: reads.views, readAge: age },
    figures: () => ({ ...near.users.size(), ...near.users.counts() }),
    provedAtMs: invalidations.provedAtMs,
    stop: near.stop,
  }
}

function observed(head: ReadHead, { read }: ReadObserver): ReadHead {
  return (source) => {
    read(source.from)
    return head(source)
  }
}
