import { subscribe } from './adapters/redis/subscriber.ts'
import { sqlChanges } from './adapters/sql/changes.ts'
import { directFeed } from './adapters/sql/direct-feed.ts'
import { sqlParked } from './adapters/sql/parked.ts'
import type { Config } from './config.ts'
import { type Keeper, keepProjected } from './jobs/keep-projected/keep-projected.ts'
import { type Progress, rebuild } from './jobs/rebuild/rebuild.ts'
import type { Log } from './ports.ts'
import { OutOfReachError, patient, redisUrl, wireCore } from './wiring.ts'

export type BuildListener = { onProgress: Progress; onBuilt(): void }

/** A projecting worker, running. `onBuilt`: whenever a build has ended well. */
export async function startProjecting(config: Config, log: Log, listener: BuildListener): Promise<Keeper> {
  const parts = await wireCore(patient(config), log)
  const { database, redis, truth, keys, guard, schemas } = parts
  const changes = sqlChanges(database, config.feed)
  const feed = directFeed({ ...config.feed, changes, parked: sqlParked(database), truth, log })
  const keeper = keepProjected({
    feed,
    projector: parts.projector,
    guard,
    schemas,
    rebuild: async (partitions) => {
      const users = await rebuild(parts, partitions, listener.onProgress)
      listener.onBuilt()
      return users
    },
    redisReady: redis.isReady,
    log,
  })
  const wakes = subscribe(redisUrl(config), keys.changed, keeper.wake, log)
  return {
    wake: keeper.wake,
    async stop() {
      wakes.close()
      await keeper.stop()
      await parts.close()
    },
  }
}

/** Builds everything again, once. Answers how many users. */
export async function rebuildOnce(config: Config, log: Log, onProgress: Progress): Promise<number> {
  const parts = await wireCore(patient(config), log)
  try {
    if (!parts.redis.isReady()) throw new OutOfReachError('Redis does not answer: is it running, and REDIS_URL right?')
    await parts.guard.check()
    return await rebuild(parts, parts.keys.partitions, onProgress)
  } finally {
    await parts.close()
  }
}
