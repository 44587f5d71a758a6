import { join } from 'node:path'
import { createLog } from './adapters/pino/log.ts'
import { redisClient } from './adapters/redis/client.ts'
import { type KeptRedis, keepLocalRedis } from './adapters/redis/kept-server.ts'
import { findRedisServer } from './adapters/redis/local-server.ts'
import { sqlIncarnations } from './adapters/sql/incarnations.ts'
import { countOddities } from './adapters/sql/oddities.ts'
import { sqlParked } from './adapters/sql/parked.ts'
import { sqlRoleStore } from './adapters/sql/role-store.ts'
import { sqlTruth } from './adapters/sql/truth.ts'
import { sqlUserStore } from './adapters/sql/user-store.ts'
import { bulkLoad } from './adapters/sqlite/bulk-load.ts'
import type { CommandDeps } from './commands/index.ts'
import type { Config } from './config.ts'
import { seedRoles } from './jobs/seed/roles.ts'
import { seedUsers } from './jobs/seed/users.ts'
import type { HealthDeps } from './plugins/health.ts'
import type { Log } from './ports.ts'
import { type ConsistencyReport, consistencyReport } from './projections/consistency/report.ts'
import { consistencyTally } from './projections/consistency/tally.ts'
import { mendingTypes } from './projections/damage/damage.ts'
import { measureFreshness } from './projections/freshness/freshness.ts'
import { incarnationGuard } from './projections/incarnation/guard.ts'
import { isRecorded } from './projections/incarnation/recorded.ts'
import { readModelKeys, SCHEMA } from './projections/keys.ts'
import { lists } from './projections/lists/lists.ts'
import { userLists } from './projections/lists/user-lists.ts'
import { projector } from './projections/projector.ts'
import { readModels } from './projections/read-models.ts'
import { roleViews } from './projections/roles/store.ts'
import { schemaRegistry } from './projections/schemas/schemas.ts'
import { holders } from './projections/user/holders.ts'
import { userReadModel } from './projections/user/store.ts'
import { userViews } from './projections/user/views.ts'
import { versionFloor } from './projections/version-floor.ts'
import { visibleWrites } from './projections/visible-writes.ts'
import type { QueryDeps } from './queries/index.ts'
import { openDatabase, readEpoch } from './wiring-database.ts'
import { healthChecks } from './wiring-health.ts'
import { type MetricRegistry, wireApiMetrics } from './wiring-metrics.ts'
import { type Near, wireNear } from './wiring-near.ts'
import { wireNeighbours } from './wiring-neighbours.ts'
import { wireSwitches } from './wiring-switches.ts'

/** How long a start waits for Redis before it goes on without: reads then come from the database. */
const REDIS_START_WAIT_MS = 2_000

type Served = { commands: CommandDeps; queries: QueryDeps; health: HealthDeps; hot: Near['hot'] }
export type Api = Served & { metrics: MetricRegistry; close(): Promise<void> }

/** Everything that answers requests needs. */
export async function wireApi(config: Config, log: Log): Promise<Api> {
  const parts = await wireCore(config, log)
  const { database, keys } = parts
  const metrics = wireApiMetrics()
  const tagBase = { epoch: keys.epoch, schema: SCHEMA }
  const near = wireNear({ ...parts, tagBase, maxBytes: config.nearCacheBytes, log })
  const publishing = { events: config.events !== null }
  const stores = visibleWrites({
    users: sqlUserStore(database, publishing),
    roles: sqlRoleStore(database, publishing),
    readModels: readModels(parts),
    floor: parts.floor,
    deadlineMs: config.inlineProjectionMs,
  })
  const forgetUs = parts.schemas.keepSeen()
  // Without the near cache: lists go by what Redis holds, and says is dirty, at one moment.
  const pages = lists(parts)
  const neighbours = wireNeighbours({ ...parts, config: config.neighbours, observer: metrics.neighbours, log })
  const switches = await wireSwitches({ ...parts, breakers: neighbours.breakers, redisUrl: redisUrl(config), log })
  return {
    commands: { ...stores, ...switches.commands, now: () => new Date(), tagBase },
    queries: {
      ...near.reads,
      ...switches.queries,
      ...neighbours.queries,
      holders: holders({ views: near.reads.views, truths: parts.views.truths }),
      lists: userLists({ ...parts, pages }),
      tagBase,
    },
    health: {
      checks: healthChecks({ ...parts, ...neighbours, near: near.provedAtMs }),
      consistency: () => readConsistency(parts),
    },
    hot: near.hot,
    metrics: metrics.registry,
    close: async () => {
      forgetUs()
      near.stop()
      await Promise.all([switches.stop(), neighbours.close()])
      await parts.close()
    },
  }
}

/** Changes that could not be handled, for the people who decide what becomes of them. Needs no Redis. */
export function openParked(config: Config) {
  const { database, close } = openDatabase(config)
  return { ...sqlParked(database), close }
}

export type MadeUpUsers = { path: string; users: number; seed: number; onProgress(done: number): void }

/** Makes a new embedded database. Synchronous: for the command line only. */
export function loadMadeUpUsers({ path, users, seed, onProgress }: MadeUpUsers): void {
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: users, seed }), onProgress })
}

/** The Redis that `all` brings with it, under the data folder; null when this machine has no server to start. */
export async function startOwnRedis({ dataDir, searchPath }: Config, log: Log): Promise<KeptRedis | null> {
  const binary = findRedisServer({ path: searchPath, toolsDir: '.tools' })
  return binary === undefined ? null : keepLocalRedis({ binary, dir: join(dataDir, 'redis'), persist: true }, log)
}

/** The pieces that every process has. */
export async function wireCore(config: Config, log: Log) {
  const { database, scan, close: closeDatabase } = openDatabase(config)
  const epoch = await readEpoch(database).catch(async (error) => {
    await closeDatabase()
    throw error
  })
  const keys = readModelKeys(epoch, config.redis.partitions)
  const incarnations = sqlIncarnations(database)
  const client = redisClient({
    ...config.redis,
    url: redisUrl(config),
    incKeys: keys.partitions.map(({ inc }) => inc),
    confirm: isRecorded({ incarnations, keys }),
    log,
  })
  const redis = mendingTypes(client, { log, onDropped: (keys) => void tally.dropped(keys).catch(() => undefined) })
  await Promise.race([redis.ready(), new Promise((resolve) => setTimeout(resolve, REDIS_START_WAIT_MS).unref())])
  const oddities = countOddities(log)
  const floor = versionFloor()
  const truth = floor.hearing(sqlTruth({ point: database, scan, dialect: database.dialect, oddities }))
  const schemas = schemaRegistry({ redis, keys, log })
  const users = userReadModel({ redis, keys, schemas })
  const freshness = measureFreshness({ redis, keys, truth, log })
  const roles = roleViews({ redis, keys, truth, schemas, freshness, floor })
  const views = userViews({ redis, keys, readModel: users, truth, freshness, floor })
  const tally = consistencyTally({ redis, keys, log })
  const projecting = projector({ redis, keys, truth, users, roles, schemas, incarnations })
  const { longestTransactionMs } = config.feed
  const guard = incarnationGuard({
    redis,
    keys,
    truth,
    projector: projecting,
    schemas,
    incarnations,
    longestTransactionMs,
    log,
  })
  const close = async () => {
    await tally.stop()
    freshness.stop()
    await redis.close()
    await closeDatabase()
  }
  const shown = { users, roles, views, freshness, floor, tally }
  return { database, keys, redis, truth, schemas, ...shown, projector: projecting, guard, close }
}

export function redisUrl({ redis }: Config): string {
  if (redis.url === null) throw new Error('REDIS_URL is not set; only `users-service all` starts a Redis of its own.')
  return redis.url
}

export type Parts = Awaited<ReturnType<typeof wireCore>>

/** Rejects while Redis, where it stands, is out of reach. */
export async function readConsistency({ redis, keys, tally, freshness }: Parts): Promise<ConsistencyReport> {
  const incarnation = (index: number) => redis.incarnation(keys.partitions[index]?.inc ?? '')
  return consistencyReport(await tally.read(), { now: Date.now(), oldestUnprojectedMs: freshness.ageMs(), incarnation })
}

export const createServiceLog = (config: Pick<Config, 'log'>) => createLog(config.log)
