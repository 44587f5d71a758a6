import { redisClient } from './adapters/redis/client.ts'
import { tracedScripts } from './adapters/redis/traced-scripts.ts'
import { sqlIncarnations } from './adapters/sql/incarnations.ts'
import { countOddities } from './adapters/sql/oddities.ts'
import { sqlTruth } from './adapters/sql/truth.ts'
import type { Config } from './config.ts'
import type { CoreObserver } from './ports/metrics.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Log } from './ports.ts'
import { type ConsistencyReport, consistencyReport } from './projections/consistency/report.ts'
import { consistencyTally } from './projections/consistency/tally.ts'
import { mendingTypes } from './projections/damage/damage.ts'
import { measureFreshness } from './projections/freshness/freshness.ts'
import { incarnationGuard } from './projections/incarnation/guard.ts'
import { isRecorded } from './projections/incarnation/recorded.ts'
import { readModelKeys } from './projections/keys.ts'
import { projector } from './projections/projector.ts'
import { roleViews } from './projections/roles/store.ts'
import { schemaRegistry } from './projections/schemas/schemas.ts'
import { observedReadModel } from './projections/user/observed-store.ts'
import { userReadModel } from './projections/user/store.ts'
import { userViews } from './projections/user/views.ts'
import { versionFloor } from './projections/version-floor.ts'
import { openDatabase, type ReadEpoch, readEpoch } from './wiring-database.ts'

/** How long a start waits for Redis before it goes on without: reads then come from the database. */
const REDIS_START_WAIT_MS = 2_000

/** `epochOf` may wait for the database. */
type CoreOptions = { observer?: CoreObserver; epochOf?: ReadEpoch | undefined; tracing?: Tracing | null }

/** The pieces that every process has. */
export async function wireCore(
  config: Config,
  log: Log,
  { observer, epochOf = readEpoch, tracing = null }: CoreOptions = {},
) {
  const { database, scan, pools, close: closeDatabase } = openDatabase(config, observer?.database, tracing)
  const epoch = await epochOf(database).catch(async (error) => {
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
    observer: observer?.redis,
    log,
  })
  const redis = mendingTypes(tracing ? tracedScripts(client, tracing) : client, {
    log,
    onDropped: (keys) => void tally.dropped(keys).catch(() => undefined),
  })
  await Promise.race([redis.ready(), new Promise((resolve) => setTimeout(resolve, REDIS_START_WAIT_MS).unref())])
  const oddities = countOddities(log)
  const floor = versionFloor()
  const truth = floor.hearing(sqlTruth({ point: database, scan, dialect: database.dialect, oddities }))
  const schemas = schemaRegistry({ redis, keys, log })
  const stored = userReadModel({ redis, keys, schemas })
  const users = observer ? observedReadModel(stored, observer.readModels) : stored
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
  return { database, scan, pools, keys, redis, truth, schemas, ...shown, projector: projecting, guard, close }
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
