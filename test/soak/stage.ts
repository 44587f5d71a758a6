import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { type Credentials, credentialsIn, NOTHING_REFUSED } from '../../bench/credentials.ts'
import { type Processes, processes, type Running, untilDone } from '../../bench/processes.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import type { Dice } from '../../src/jobs/seed/random.ts'
import { client, get, type Reply } from './client.ts'
import { recordHistory } from './history.ts'
import { type RedisHost, startRedisHost } from './redis-host.ts'
import { type Supervised, supervise } from './supervisor.ts'
import type { Timeline } from './timeline.ts'

const BUILD_LIMIT_MS = 120_000
const POLL_MS = 50
/** Longer than any writer of the soak is stopped within a transaction, so that a replay depends on the mark. */
const LONGEST_TRANSACTION_MS = 20_000
/** Shorter than a worker is stopped: another takes over its claims meanwhile. */
const FEED_LEASE_MS = 2_000
const NAMES = ['1', '2']

export type Api = { name: string; port: number }
export type Stage = {
  path: string
  epoch: string
  redis: RedisHost
  apis: Supervised[]
  workers: Supervised[]
  addresses: Api[]
  /** Of somebody who may do everything, and of somebody who may only read, and not what is personal. */
  credentials: { all: Credentials; reader: Credentials }
  foreign: Running
  processes: Processes
}
type Options = { users: number; timeline: Timeline; roll: Dice; onCrash(name: string): void; say(doing: string): void }

/** A database, a Redis, two APIs, two workers and another program, as processes of their own, in a temporary folder. */
export async function setStage(stack: AsyncDisposableStack, { users, say, ...given }: Options): Promise<Stage> {
  const watched = { ...given, isEnding: () => stack.disposed }
  const dir = await mkdtemp(join(tmpdir(), 'users-service-soak-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const started = processes(stack, dir)
  const redis = await startRedisHost(dir)
  stack.defer(redis.stop)
  say(`making ${users} users`)
  const env = {
    DATA_DIR: join(dir, 'data'),
    REDIS_URL: redis.url,
    LOG_LEVEL: 'warn',
    LONGEST_TRANSACTION_MS: String(LONGEST_TRANSACTION_MS),
    FEED_LEASE_MS: String(FEED_LEASE_MS),
    // What is looked for are wrong answers: requests that are refused on a slow machine would show none.
    ...NOTHING_REFUSED,
  }
  await untilDone(started.service('seed', ['seed', '--users', String(users)], env), 'seed')
  const path = join(dir, 'data', 'users.db')
  if (!existsSync(path)) throw new Error('seed made no database')
  recordHistory(path)
  say('starting two APIs and two workers')
  const addresses = await Promise.all(NAMES.map(async (name) => ({ name: `api-${name}`, port: await freePort() })))
  const apis: Supervised[] = []
  // One after the other: the first to open a new SQLite file changes its journal, and needs it for itself meanwhile.
  for (const { name, port } of addresses) {
    const start = () => started.service(name, ['serve'], { ...env, PORT: String(port) })
    const api = supervise({ ...watched, name, start, isReady: () => isReady(port) })
    stack.defer(api.end)
    apis.push(api)
    await api.ready()
  }
  const workers = NAMES.map((name) => {
    const start = () => started.service(`worker-${name}`, ['work', 'project'], env)
    const worker = supervise({ ...watched, name: `worker-${name}`, start, isReady: async () => true })
    stack.defer(worker.end)
    return worker
  })
  const foreign = started.helper('foreign', '../test/soak/foreign-writer.ts', [path])
  const credentials = {
    all: await credentialsIn(env.DATA_DIR),
    reader: await credentialsIn(env.DATA_DIR, { scopes: ['users:read'], subject: 'reader' }),
  }
  const servers = { redis, apis, workers, addresses, foreign, processes: started }
  const stage = { path, epoch: epochOf(path), credentials, ...servers }
  await untilWhole(stage, BUILD_LIMIT_MS, () => true)
  return stage
}

/**
 * Waits until every process is there, believes Redis, and answers lists from it, and `more` holds; throws when it does
 * not come to that within `limitMs`.
 */
export async function untilWhole(stage: Stage, limitMs: number, more: () => boolean): Promise<void> {
  const { apis, workers, addresses, credentials } = stage
  const isWhole = isWholeTo(credentials.all)
  const deadline = Date.now() + limitMs
  for (;;) {
    const ready = (await Promise.all([...apis, ...workers].map((one) => one.isReady()))).every(Boolean)
    if (ready && more() && (await Promise.all(addresses.map(isWhole))).every(Boolean)) return
    if (Date.now() > deadline) throw new Error(`not whole again within ${limitMs} ms`)
    await delay(POLL_MS)
  }
}

async function isReady(port: number): Promise<boolean> {
  return (await askOnce(port, '/health/ready', null))?.status === 200
}

function isWholeTo(credentials: Credentials) {
  return async ({ port }: Api): Promise<boolean> => {
    const health = await askOnce(port, '/health/ready', null)
    const list = await askOnce(port, '/v1/users?limit=1', credentials)
    return /"redis":\{"state":"ok"/.test(health?.text ?? '') && list?.header('read-from') === 'redis'
  }
}

async function askOnce(port: number, path: string, credentials: Credentials | null): Promise<Reply | null> {
  const asker = client({ name: '', port }, credentials)
  return asker
    .ask(get(path))
    .catch(() => null)
    .finally(asker.close)
}

function epochOf(path: string): string {
  using database = new DatabaseSync(path, { readOnly: true })
  return String(database.prepare('SELECT epoch FROM service_epoch').get()?.epoch)
}
