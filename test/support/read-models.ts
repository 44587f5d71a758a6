import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Cluster, Redis } from 'ioredis'
import { type RedisClient, type RedisClientOptions, redisClient } from '../../src/adapters/redis/client.ts'
import { sqlIncarnations } from '../../src/adapters/sql/incarnations.ts'
import { sqlTruth } from '../../src/adapters/sql/truth.ts'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { openSqlite } from '../../src/adapters/sqlite/database.ts'
import { openScanThread } from '../../src/adapters/sqlite/scan-thread.ts'
import { dataFor, rebuilder, unqueued } from '../../src/jobs/rebuild/rebuild.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import type { Incarnations } from '../../src/ports/redis.ts'
import type { SqlValue, Truth } from '../../src/ports.ts'
import { incarnationGuard } from '../../src/projections/incarnation/guard.ts'
import { type Keys, type Partition, readModelKeys } from '../../src/projections/keys.ts'
import { lists } from '../../src/projections/lists/lists.ts'
import { userLists } from '../../src/projections/lists/user-lists.ts'
import { projector } from '../../src/projections/projector.ts'
import { roleViews } from '../../src/projections/roles/store.ts'
import { schemaRegistry } from '../../src/projections/schemas/schemas.ts'
import { userReadModel } from '../../src/projections/user/store.ts'
import { userViews } from '../../src/projections/user/views.ts'
import { versionFloor } from '../../src/projections/version-floor.ts'
import { startTestRedis, type TestRedis } from './redis.ts'
import { quiet } from './service.ts'

const COMMAND_TIMEOUT_MS = 2_000
const CONNECT_TIMEOUT_MS = 500
const LONGEST_TRANSACTION_MS = 600_000
const SEED = 7

/** How many partitions the suites of what depends on it run with: one, and a number that spreads all alike. */
export const PARTITION_COUNTS = [1, 7]

let epochs = 0
/** Keys that no other test of this process uses: many tests can share one Redis. */
export function freshKeys(partitions = 1): Keys {
  epochs += 1
  return readModelKeys(`t${process.pid.toString(36)}x${epochs}`, partitions)
}

/** A test's context; what is started for it ends with it. */
type Owner = { after(end: () => unknown): void }

type ClientOptions = Partial<Pick<RedisClientOptions, 'commandTimeoutMs' | 'readDeadlineMs' | 'confirm'>>
/**
 * A client as the service has it, connected; `commandTimeoutMs` short where silence is what is tested. What is begun need
 * not be recorded to be believed, unless `confirm` says so.
 */
export async function connectClient(
  t: Owner,
  url: string,
  keys: Keys,
  {
    commandTimeoutMs = COMMAND_TIMEOUT_MS,
    readDeadlineMs = commandTimeoutMs,
    confirm = async () => true,
  }: ClientOptions = {},
): Promise<RedisClient> {
  const client = redisClient({
    url,
    incKeys: keys.partitions.map(({ inc }) => inc),
    commandTimeoutMs,
    readDeadlineMs,
    confirm,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    log: quiet,
  })
  t.after(() => client.close())
  await client.ready()
  // The first look at the incarnation has no effect on what a test does after this.
  await Promise.all(keys.partitions.map(({ inc }) => client.refreshIncarnation(inc)))
  return client
}

/** A plain connection, to look at what is really stored. */
export function connectRaw(t: Owner, url: string): Redis {
  const raw = new Redis(url, { protocol: 2, maxRetriesPerRequest: 1 })
  raw.on('error', () => undefined)
  t.after(() => raw.disconnect())
  return raw
}

/** What is opened for all tests of a file is closed after the last of them. */
export const ofFile: Owner = { after: (end) => after(async () => void (await end())) }

/** A server of this file's own, and a plain client. */
export async function redisOfFile(): Promise<{ server: TestRedis; raw: Redis }> {
  const server = await startTestRedis()
  const raw = connectRaw(ofFile, server.url)
  ofFile.after(server.stop)
  return { server, raw }
}

/** How often a client has run `command` (`evalsha_ro`, `get` …) on this server. */
export async function callsOf(raw: Redis, command: string): Promise<number> {
  const stats = await raw.info('commandstats')
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0)
}

export type TestTruth = Awaited<ReturnType<typeof openTruth>>
/** A real database of `users` made-up people in a temporary folder. */
export async function openTruth(t: Owner, users: number) {
  const folder = await mkdtemp(join(tmpdir(), 'users-service-truth-'))
  const path = join(folder, 'users.db')
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: users, seed: SEED }), onProgress: () => undefined })
  const database = openSqlite(path)
  const scan = openScanThread(path)
  const foreign = openConnection(path, { readOnly: false })
  t.after(async () => {
    foreign.close()
    await scan.close()
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    path,
    database,
    incarnations: sqlIncarnations(database),
    truth: sqlTruth({ point: database, scan, dialect: database.dialect }),
    /** As a program that is not this service would. */
    sql: (statement: string, ...params: SqlValue[]) => void foreign.run(statement, params),
    query: (statement: string, ...params: SqlValue[]) => foreign.all(statement, params),
  }
}

/** Counts what the truth is asked for, without changing what it answers. */
export function counting(truth: Truth) {
  const bulkReads: number[][] = []
  const versionReads: number[][] = []
  const counted: Truth = {
    ...truth,
    users: (userIds) => {
      bulkReads.push(userIds)
      return truth.users(userIds)
    },
    versions: (userIds) => {
      versionReads.push(userIds)
      return truth.versions(userIds)
    },
  }
  return { truth: counted, bulkReads, versionReads }
}

/** Puts an incarnation there that is believed, without a worker. Answers it. */
export async function believe(raw: Redis, keys: Keys): Promise<string> {
  const incarnation = `x.${/^run_id:(\w+)/m.exec(await raw.info('server'))?.[1]}`
  for (const { inc } of keys.partitions) await raw.set(inc, incarnation)
  return incarnation
}

/** What the database does, for tests that share one: by test. */
const records = new WeakMap<Keys, Map<number, string>>()
function recordsOf(keys: Keys): Incarnations {
  const record = records.get(keys) ?? new Map<number, string>()
  records.set(keys, record)
  return {
    recorded: async () => new Map(record),
    replace: async (_, partition, from, to) => {
      if ((record.get(partition) ?? null) !== from) return false
      record.set(partition, to)
      return true
    },
  }
}

type Parts = { client: RedisClient; keys: Keys; truth: Truth; incarnations?: Incarnations }
export type TestReadModels = ReturnType<typeof readModelsOf>
/** The read models, put together as wiring.ts does, but that the test says whether changes wait to be handled. */
export function readModelsOf({ client, keys, truth: given, incarnations = recordsOf(keys) }: Parts) {
  const floor = versionFloor()
  const truth = floor.hearing(given)
  const age = { isOld: false }
  const freshness = { isOld: () => age.isOld }
  const schemas = schemaRegistry({ redis: client, keys, log: quiet })
  const users = userReadModel({ redis: client, keys, schemas })
  const roles = roleViews({ redis: client, keys, truth, schemas, freshness, floor })
  const views = userViews({ redis: client, keys, readModel: users, truth, freshness, floor })
  const projecting = projector({ redis: client, keys, truth, users, roles, schemas, incarnations })
  const pages = lists({ redis: client, keys, views, freshness })
  const guard = incarnationGuard({
    redis: client,
    keys,
    truth,
    projector: projecting,
    schemas,
    incarnations,
    longestTransactionMs: LONGEST_TRANSACTION_MS,
    log: quiet,
  })
  const incarnationOf = ({ inc }: Partition): string => {
    const incarnation = client.incarnation(inc)
    if (incarnation === null) throw new Error('no incarnation was begun')
    return incarnation
  }
  /** Makes this Redis one that may be believed. Answers the first partition's incarnation. */
  const begin = async (): Promise<string> => {
    await guard.check()
    keys.partitions.forEach(incarnationOf)
    return incarnationOf(keys.home)
  }
  /** As `begin`, and projects everybody: what a finished build leaves. */
  const build = async (): Promise<string> => {
    await begin()
    const data = dataFor(keys.partitions, client)
    if (data === null) throw new Error('this Redis is not prepared')
    await rebuilder({ redis: client, keys, truth, projector: projecting, guard })(unqueued(data))
    return incarnationOf(keys.home)
  }
  const all = userLists({ redis: client, keys, truth, pages })
  return { age, floor, schemas, users, roles, views, projector: projecting, guard, lists: all, begin, build }
}

type Stored = { entries: Record<string, Record<string, string>>; sets: Record<string, string[]> }
/**
 * What Redis holds of this epoch's users and lists, in a form that can be compared: of all partitions as of one. Hints,
 * marks, leases and ghosts are left out.
 */
export async function stored(raw: Redis | Cluster, keys: Keys): Promise<Stored> {
  const entries: Stored['entries'] = {}
  const sets: Stored['sets'] = {}
  for (const { base } of keys.partitions) {
    for (const key of await keysOn(raw, `${base}*`)) {
      const name = key.slice(base.length)
      if (name.startsWith('id:')) {
        const entry = await raw.hgetall(key)
        if (Object.keys(entry).length > 0) entries[name.slice(3)] = entry
      }
      const members = await membersOf(raw, name, key)
      if (members.length > 0) sets[name] = (sets[name] ?? []).concat(members)
    }
  }
  return { entries, sets }
}

async function membersOf(raw: Redis | Cluster, name: string, key: string): Promise<string[]> {
  if (name === 'dirty') return (await raw.smembers(key)).sort()
  return name === 'ids' || name === 'names' || name.startsWith('branch:') ? raw.zrange(key, '0', '-1') : []
}

/**
 * Of a cluster, what any server has ever heard of, so that the caller must look whether it is there; and twice, for a key
 * of a slot that moves may have left where it was not yet looked for.
 */
async function keysOn(raw: Redis | Cluster, pattern: string): Promise<string[]> {
  if (raw instanceof Redis) return (await raw.keys(pattern)).sort()
  const found = new Set<string>()
  for (let look = 0; look < 2; look += 1)
    for (const node of raw.nodes('all')) for (const key of await node.keys(pattern).catch(() => [])) found.add(key)
  return [...found].sort()
}
