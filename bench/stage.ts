import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../src/adapters/redis/free-port.ts'
import { type Keys, readModelKeys } from '../src/projections/keys.ts'
import { startTestRedis, type TestRedis } from '../test/support/redis.ts'
import { type Credentials, credentialsIn, NOTHING_REFUSED } from './credentials.ts'
import { header } from './load/answer.ts'
import { connectAsker, get } from './load/connection.ts'
import { type LoadThread, startLoadThread } from './load/thread.ts'
import { hasEnded, type Processes, processes, type Running, untilDone } from './processes.ts'

/** A second where nothing else runs. */
const START_LIMIT_MS = 60_000
/** A million users take two minutes on a machine that has nothing else to do. */
const BUILD_LIMIT_MS = 600_000
const POLL_MS = 20
/** Between finding a free port and using it, somebody else may have taken it. */
const PORT_ATTEMPTS = 3

/** The empty stage: a folder, a Redis, and the generator. Everything on it ends with the stack. */
export type Stage = {
  dir: string
  server: TestRedis
  redis: Redis
  processes: Processes
  generator: LoadThread
  say(doing: string): void
}

export async function setStage(stack: AsyncDisposableStack, say: Stage['say']): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-bench-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const started = processes(stack, dir)
  const server = await startTestRedis()
  // Ended meanwhile: the stack would refuse it, and nobody would end it.
  if (stack.disposed) await server.stop()
  stack.defer(server.stop)
  const redis = new Redis(server.url)
  stack.defer(() => redis.disconnect())
  const generator = startLoadThread()
  stack.defer(generator.stop)
  return { dir, server, redis, processes: started, generator, say }
}

/** A database with made-up users. */
export type Data = {
  dir: string
  path: string
  users: number
  keys: Keys
  /** Of somebody who may do everything. */
  credentials: Credentials
  query: Query
}
export type Query = <Row>(sql: string, ...params: (string | number)[]) => Row[]

/** The read models of nobody else are in Redis while these are measured: it is emptied first. */
export async function seedData({ dir, processes, redis, say }: Stage, users: number): Promise<Data> {
  say(`making ${users.toLocaleString('en')} users`)
  const dataDir = join(dir, `data-${users}`)
  await redis.flushall()
  const name = `seed-${users}`
  const seeding = processes.service(name, ['seed', '--users', String(users)], { DATA_DIR: dataDir })
  await untilDone(seeding, 'seed').catch((error) => {
    throw new Error(`${error.message}:\n${processes.lastWords(name)}`)
  })
  const path = join(dataDir, 'users.db')
  const query: Query = (sql, ...params) => {
    using database = new DatabaseSync(path, { readOnly: true })
    return database.prepare(sql).all(...params) as never
  }
  const [row] = query<{ epoch: string }>('SELECT epoch FROM service_epoch')
  const credentials = await credentialsIn(dataDir)
  return { dir: dataDir, path, users, keys: readModelKeys(row?.epoch ?? ''), credentials, query }
}

/**
 * The service as in production: one process that answers, and one that keeps the read models fresh. Beside them one that
 * answers without a near cache, so that what Redis and the way to it cost can be measured.
 */
export type Service = Serving & { work: Running; withoutNear: Serving }
export type Serving = { port: number; serve: Running }

export async function startService(stage: Stage, data: Data): Promise<Service> {
  stage.say('starting the service, and waiting until its read models are built')
  // One after the other: the first to open a new SQLite file changes its journal, and needs it for itself meanwhile.
  const { port, running: serve } = await startServing(stage, data)
  const without = await startServing(stage, data, { NEAR_CACHE_BYTES: '0' }, 'serve-without-near')
  const withoutNear = { port: without.port, serve: without.running }
  const work = stage.processes.service('work', ['work', 'project'], serviceEnv(stage, data))
  const service = { port, serve, work, withoutNear }
  await untilBuilt(stage, data, service)
  return service
}

export async function stopService({ serve, work, withoutNear }: Service): Promise<void> {
  await Promise.all([serve, work, withoutNear.serve].map(({ stop }) => stop()))
}

/** The process that answers, by itself; `env` holds more settings than the usual ones. */
export function startServing(
  stage: Stage,
  data: Data,
  env: NodeJS.ProcessEnv = {},
  name = 'serve',
): Promise<Listening> {
  return startListening(stage, name, '/health/ready', (port) =>
    stage.processes.service(name, ['serve'], { ...serviceEnv(stage, data), ...env, PORT: String(port) }),
  )
}

/** The settings that every process of the service has. */
export const serviceEnv = ({ server }: Stage, { dir }: Data) => ({
  DATA_DIR: dir,
  REDIS_URL: server.url,
  LOG_LEVEL: 'warn',
  ...NOTHING_REFUSED,
})

export type Listening = { port: number; running: Running }

/** Starts what is to listen on a port, and resolves when it answers `path` with 200. */
export async function startListening(
  { processes }: Stage,
  name: string,
  path: string,
  start: (port: number) => Running,
): Promise<Listening> {
  for (let attempt = 1; attempt <= PORT_ATTEMPTS; attempt += 1) {
    const port = await freePort()
    const running = start(port)
    const deadline = Date.now() + START_LIMIT_MS
    while (!hasEnded(running) && Date.now() < deadline) {
      if ((await headOf(port, path)) !== null) return { port, running }
      await delay(POLL_MS)
    }
    await running.stop()
  }
  throw new Error(`\`${name}\` did not start:\n${processes.lastWords(name)}`)
}

/** Lists come from Redis only when everything in it is whole. */
export async function untilBuilt(
  { processes }: Stage,
  { credentials }: Pick<Data, 'credentials'>,
  { port, serve, work }: Pick<Service, 'port' | 'serve' | 'work'>,
): Promise<void> {
  const deadline = Date.now() + BUILD_LIMIT_MS
  while ((await headOf(port, '/v1/users?limit=1', credentials)) !== 'redis') {
    for (const [name, running] of Object.entries({ serve, work })) {
      if (hasEnded(running)) throw new Error(`\`${name}\` has ended:\n${processes.lastWords(name)}`)
    }
    if (Date.now() > deadline) throw new Error(`not built in time:\n${processes.lastWords('work')}`)
    await delay(POLL_MS)
  }
}

/** Where the answer came from, `-` when it doesn't say; null when there is none yet. */
async function headOf(port: number, path: string, headers = {}): Promise<string | null> {
  try {
    const asker = await connectAsker(port)
    const answer = await asker.ask(get(path, headers)).finally(asker.close)
    return answer.status === 200 ? (header(answer, 'read-from') ?? '-') : null
  } catch {
    return null
  }
}
