import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type RedisClient, redisClient } from '../../src/adapters/redis/client.ts'
import { sqlTruth } from '../../src/adapters/sql/truth.ts'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { openSqlite } from '../../src/adapters/sqlite/database.ts'
import { openScanThread } from '../../src/adapters/sqlite/scan-thread.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { MAX_BULK_USERS, type SqlValue, type Truth } from '../../src/ports.ts'
import { incarnationGuard } from '../../src/projections/incarnation/guard.ts'
import { type Keys, readModelKeys } from '../../src/projections/keys.ts'
import { lists } from '../../src/projections/lists/lists.ts'
import { userLists } from '../../src/projections/lists/user-lists.ts'
import { projector } from '../../src/projections/projector.ts'
import { roleViews } from '../../src/projections/roles/store.ts'
import { userReadModel } from '../../src/projections/user/store.ts'
import { userViews } from '../../src/projections/user/views.ts'
import { quiet } from './service.ts'

const COMMAND_TIMEOUT_MS = 2_000
const CONNECT_TIMEOUT_MS = 500
const LONGEST_TRANSACTION_MS = 600_000
const SEED = 7

let epochs = 0
/** Keys that no other test of this process uses: many tests can share one Redis. */
export function freshKeys(): Keys {
  epochs += 1
  return readModelKeys(`t${process.pid.toString(36)}x${epochs}`)
}

/** A test's context; what is started for it ends with it. */
type Owner = { after(end: () => unknown): void }

/** A client as the service has it, connected; `commandTimeoutMs` short where silence is what is tested. */
export async function connectClient(
  t: Owner,
  url: string,
  keys: Keys,
  commandTimeoutMs: number = COMMAND_TIMEOUT_MS,
): Promise<RedisClient> {
  const client = redisClient({
    url,
    incKey: keys.home.inc,
    commandTimeoutMs,
    readDeadlineMs: commandTimeoutMs,
    confirm: async () => true,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    log: quiet,
  })
  t.after(() => client.close())
  await client.ready()
  // The first look at the incarnation has no effect on what a test does after this.
  await client.refreshIncarnation(keys.home.inc)
  return client
}

/** A plain connection, to look at what is really stored. */
export function connectRaw(t: Owner, url: string): Redis {
  const raw = new Redis(url, { protocol: 2, maxRetriesPerRequest: 1 })
  raw.on('error', () => undefined)
  t.after(() => raw.disconnect())
  return raw
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
    database,
    truth: sqlTruth({ point: database, scan, dialect: database.dialect }),
    /** As a program that is not this service would. */
    sql: (statement: string, ...params: SqlValue[]) => void foreign.run(statement, params),
    query: (statement: string, ...params: SqlValue[]) => foreign.all(statement, params),
  }
}

/** Counts what the truth is asked for, without changing what it answers. */
export function counting(truth: Truth) {
  const bulkReads: number[][] = []
  const counted: Truth = {
    ...truth,
    users: (userIds) => {
      bulkReads.push(userIds)
      return truth.users(userIds)
    },
  }
  return { truth: counted, bulkReads }
}

type Parts = { client: RedisClient; keys: Keys; truth: Truth }
export type TestReadModels = ReturnType<typeof readModelsOf>
/** The read models, put together as wiring.ts does. */
export function readModelsOf({ client, keys, truth }: Parts) {
  const users = userReadModel({ redis: client, keys })
  const roles = roleViews({ redis: client, keys, truth })
  const views = userViews({ redis: client, keys, readModel: users, truth })
  const projecting = projector({ redis: client, truth, users, roles })
  const pages = lists({ redis: client, keys, truth, views })
  const guard = incarnationGuard({
    redis: client,
    keys,
    truth,
    projector: projecting,
    longestTransactionMs: LONGEST_TRANSACTION_MS,
    log: quiet,
  })
  /** Makes this Redis one that may be believed. Answers the incarnation. */
  const begin = async (): Promise<string> => {
    await guard.check()
    const incarnation = client.incarnation(keys.home.inc)
    if (incarnation === null) throw new Error('no incarnation was begun')
    return incarnation
  }
  /** As `begin`, and projects everybody: what a finished build leaves. */
  const build = async (): Promise<string> => {
    const incarnation = await begin()
    for (let after = 0; ; ) {
      const userIds = await truth.userIds({ branchId: null, role: null, status: null }, after, MAX_BULK_USERS)
      await projecting.projectUsers(userIds, incarnation)
      const last = userIds.at(-1)
      if (last === undefined) break
      after = last
    }
    await projecting.projectRoles(incarnation)
    await guard.markBuilt(incarnation)
    return incarnation
  }
  const all = userLists({ redis: client, keys, truth, pages })
  return { users, roles, views, projector: projecting, guard, lists: all, begin, build }
}

/** What Redis holds of this epoch's users and lists, in a form that can be compared. Hints and marks are left out. */
export async function stored(raw: Redis, keys: Keys) {
  const entries: Record<string, Record<string, string>> = {}
  const sets: Record<string, string[]> = {}
  const base = keys.home.ids.slice(0, -'ids'.length)
  for (const key of (await raw.keys(`${base}*`)).sort()) {
    const name = key.slice(base.length)
    if (name.startsWith('id:')) entries[name.slice(3)] = await raw.hgetall(key)
    else if (name === 'dirty') sets[name] = (await raw.smembers(key)).sort()
    else if (name === 'ids' || name === 'names' || name.startsWith('branch:'))
      sets[name] = await raw.zrange(key, '0', '-1')
  }
  return { entries, sets }
}
