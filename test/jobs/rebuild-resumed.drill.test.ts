import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { readConfig } from '../../src/config.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { wireCore } from '../../src/wiring-core.ts'
import { databasePath } from '../../src/wiring-database.ts'
import { patient } from '../../src/wiring-workers.ts'
import { startTestRedis } from '../support/redis.ts'
import { quiet, until } from '../support/service.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** A build of them is long enough for something to happen in the middle. */
const USERS = 12_000
/** Where nothing has to. */
const FEW_USERS = 1_000
const SEED = 5
/** Finding out that a worker is dead takes its lock's time; the rest is a build. */
const LIMIT_MS = 60_000

/** A database of made-up people, an empty Redis, and processes of the service, as in production. */
async function stage(t: TestContext, users = USERS) {
  const dataDir = await mkdtemp(join(tmpdir(), 'users-service-jobs-'))
  const redis = await startTestRedis()
  const env = { DATA_DIR: dataDir, REDIS_URL: redis.url, LOG_FORMAT: 'json' }
  const config = readConfig(env)
  const path = databasePath(config)
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: users, seed: SEED }), onProgress: () => undefined })
  const parts = await wireCore(patient(config), quiet)
  const raw = new Redis(redis.url, { protocol: 2 })
  const startWith = (more: NodeJS.ProcessEnv, ...args: string[]) => {
    const child = spawn(process.execPath, ['src/main.ts', ...args], {
      cwd: ROOT,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    }
    const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal, said }))
    const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
      child.kill(signal)
      return ended
    }
    t.after(() => kill())
    return { kill, ended, said: () => said }
  }
  t.after(async () => {
    raw.disconnect()
    await parts.close()
    await redis.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const { keys } = parts
  return {
    ...parts,
    raw,
    startWith,
    start: (...args: string[]) => startWith({}, ...args),
    redisServer: redis,
    projected: () => raw.zcard(keys.home.ids),
    isBuilt: async () => (await raw.get(keys.home.built)) !== null,
  }
}

/** Kills a worker in the middle of its build; answers an id of those that were done long before. */
async function killHalfway({ projected, isBuilt }: Awaited<ReturnType<typeof stage>>, worker: { kill(): unknown }) {
  const before = await projected()
  const halfway = Math.max(2_000, before + 2_000)
  await until('it is on its way', async () => (await projected()) >= halfway)
  await worker.kill()
  assert.equal(await isBuilt(), false, 'it was not done yet: more people are needed for this test')
}

test('a build goes on from where its workers were killed, and is not begun again', { timeout: 120_000 }, async (t) => {
  const service = await stage(t)
  const { raw, keys, start, isBuilt } = service
  const first = start('work', 'project')
  await killHalfway(service, first)
  // Whoever began again would bring this one back.
  await raw.del(keys.user(1))
  const second = start('work', 'jobs')
  await until('another has taken it', async () => (await service.projected()) >= 4_500, LIMIT_MS)
  await second.kill()
  assert.equal(await isBuilt(), false)
  start('work', 'project')
  await until('it is built', isBuilt, LIMIT_MS)
  assert.equal(await raw.exists(keys.user(1)), 0)
  assert.equal(await raw.zcard(keys.home.ids), USERS)
  assert.equal(await raw.exists(keys.user(USERS)), 1)
})

test('a Redis that is emptied meanwhile is built from the start, under its new incarnation', {
  timeout: 120_000,
}, async (t) => {
  const service = await stage(t)
  const { keys, start, isBuilt, redisServer, raw } = service
  start('work', 'project')
  await until('it is on its way', async () => (await service.projected()) >= 3_000)
  const before = await raw.get(keys.home.inc)
  await redisServer.flush()
  await until('it is built', isBuilt, LIMIT_MS)
  assert.notEqual(await raw.get(keys.home.inc), before)
  assert.equal(await raw.get(keys.home.built), await raw.get(keys.home.inc))
  assert.equal(await service.projected(), USERS)
})

test('without a worker `rebuild` does it itself, and shows it', { timeout: 120_000 }, async (t) => {
  const { start, isBuilt } = await stage(t, FEW_USERS)
  const { code, said } = await start('rebuild').ended
  assert.equal(code, 0, said)
  assert.match(said, /projecting users: 1,000 in [\d.]+ s\nprojected 1,000 users/)
  assert.equal(await isBuilt(), true)
})

test('`rebuild` that is interrupted leaves the job; the next one goes on', { timeout: 120_000 }, async (t) => {
  const service = await stage(t)
  const { start, raw, keys } = service
  const first = start('rebuild')
  await until('it is on its way', async () => (await service.projected()) >= 3_000)
  const { code, said } = await first.kill('SIGINT')
  assert.equal(code, 1)
  assert.match(said, /stopped; the next worker, or `users-service rebuild`, goes on from there/)
  await raw.del(keys.user(1))
  const second = await start('rebuild').ended
  assert.equal(second.code, 0, second.said)
  assert.equal(await raw.exists(keys.user(1)), 0, 'it was not begun again')
  assert.equal(await service.isBuilt(), true)
})

test('with a worker, `rebuild` waits for it; interrupted, it leaves the worker working', {
  timeout: 120_000,
}, async (t) => {
  const service = await stage(t)
  const { start, raw, keys, isBuilt } = service
  start('work', 'project')
  await until('it is built', isBuilt, LIMIT_MS)
  await raw.del(keys.user(1), keys.user(USERS))
  const waiting = start('rebuild')
  await until('the worker is at it', async () => (await raw.exists(keys.user(1))) === 1, LIMIT_MS)
  const { said } = await waiting.kill('SIGINT')
  assert.match(said, /no longer waiting; a worker goes on building/)
  await until('it is done', async () => (await raw.exists(keys.user(USERS))) === 1, LIMIT_MS)
})

test('without the Redis of its jobs a worker builds by itself', { timeout: 120_000 }, async (t) => {
  const service = await stage(t, FEW_USERS)
  const gone = await startTestRedis()
  await gone.stop()
  service.startWith({ JOBS_REDIS_URL: gone.url }, 'work', 'project')
  await until('it is built', service.isBuilt, LIMIT_MS)
  assert.equal(await service.projected(), FEW_USERS)
})

test('jobs may have a Redis of their own', { timeout: 120_000 }, async (t) => {
  const service = await stage(t, FEW_USERS)
  const jobs = await startTestRedis()
  t.after(jobs.stop)
  service.startWith({ JOBS_REDIS_URL: jobs.url }, 'work', 'project')
  await until('it is built', service.isBuilt, LIMIT_MS)
  assert.deepEqual(await service.raw.keys('{usrjobs}*'), [])
})
