import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { readConfig } from '../../src/config.ts'
import { dataFor, rebuilder, unqueued } from '../../src/jobs/rebuild/rebuild.ts'
import { replayer } from '../../src/jobs/replay/replay.ts'
import { replayRequests } from '../../src/jobs/replay/requests.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { wireCore } from '../../src/wiring-core.ts'
import { databasePath } from '../../src/wiring-database.ts'
import { patient, wireJobs } from '../../src/wiring-workers.ts'
import { lastFirst } from '../contract/rig.ts'
import { startTestRedis } from '../support/redis.ts'
import { quiet, until } from '../support/service.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SEED = 5
/** Finding out that a worker is dead takes its lock's time. */
const LIMIT_MS = 60_000
const LONG_AGO = '2001-01-01 00:00:00.000'

/** A service whose read models are built, with no worker, and whose database others can change unseen. */
async function stage(context: TestContext, users: number) {
  const t = lastFirst(context)
  const dataDir = await mkdtemp(join(tmpdir(), 'users-service-replay-'))
  t.after(() => rm(dataDir, { recursive: true, force: true }))
  const redis = await startTestRedis()
  t.after(redis.stop)
  const env = { DATA_DIR: dataDir, REDIS_URL: redis.url, LOG_FORMAT: 'json' }
  const config = readConfig(env)
  const path = databasePath(config)
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: users, seed: SEED }), onProgress: () => undefined })
  const parts = await wireCore(patient(config), quiet)
  t.after(parts.close)
  const raw = new Redis(redis.url, { protocol: 2 })
  t.after(() => raw.disconnect())
  const connection = openConnection(path, { readOnly: false })
  t.after(connection.close)
  connection.run('UPDATE entity_versions SET changed_at = ?', [LONG_AGO])

  const start = (args: string[], { input = '', more = {} }: { input?: string; more?: NodeJS.ProcessEnv } = {}) => {
    const child = spawn(process.execPath, ['src/main.ts', ...args], { cwd: ROOT, env: { ...env, ...more } })
    child.stdin.end(input)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    }
    const ended = once(child, 'close').then(([code]) => ({ code, said }))
    const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
      child.kill(signal)
      return ended
    }
    t.after(() => kill())
    return { kill, ended, said: () => said }
  }
  const { keys } = parts
  await parts.guard.check()
  const data = dataFor(keys.partitions, parts.redis) ?? assert.fail('Redis is prepared')
  await rebuilder(parts)(unqueued(data))
  const bodyOf = async (userId: number) => (await raw.hget(keys.user(userId), 'b')) ?? ''
  return {
    ...{ t, config, parts, raw, keys, start, connection },
    /** So many workers of queues wait for a job: whoever comes later gets one only after them. */
    waiting: (workers: number) =>
      until(
        'workers wait',
        async () => String(await raw.client('LIST')).split('cmd=bzpopmin').length > workers,
        LIMIT_MS,
      ),
    run: (args: string[], how = {}) => start(args, how).ended,
    /** Changes users at that time, and loses it on the way: whatever the feed sees, it is not this. */
    miss(at: string, where: string) {
      connection.run(`UPDATE users SET job_title = 'Missed' WHERE ${where}`, [])
      connection.run('UPDATE entity_versions SET changed_at = ? WHERE changed_at > ?', [at, '2024-06-01 00:00:00.000'])
      connection.run('DELETE FROM entity_changes', [])
    },
    isRight: async (userId: number) => (await bodyOf(userId)).includes('"jobTitle":"Missed"'),
  }
}
type Stage = Awaited<ReturnType<typeof stage>>

const rightOf = async ({ isRight }: Stage, userIds: number[]) => Promise.all(userIds.map(isRight))

test('each way of naming those who were missed brings back them, and nobody else', { timeout: 180_000 }, async (t) => {
  const service = await stage(t, 30)
  const { run, miss, raw, keys, connection } = service
  for (const [hour, userId] of [10, 11, 12, 13].map((hour, i) => [hour, i + 1]))
    miss(`2024-05-01 ${hour}:00:00.000`, `user_id = ${userId}`)
  miss('2024-05-01 09:00:00.000', 'user_id IN (5, 6, 7, 8)')
  assert.deepEqual(await rightOf(service, [1, 2, 3, 4, 5, 6, 7, 8]), Array(8).fill(false))

  const ids = await run(['replay', '--ids', '6,5'])
  assert.equal(ids.code, 0, ids.said)
  assert.match(ids.said, /^projecting users: 2 in [\d.]+ s\nprojected 2 users\n$/)
  assert.deepEqual(await rightOf(service, [5, 6, 7, 8]), [true, true, false, false])
  const file = await run(['replay', '--ids-file', '-'], { input: '7\n' })
  assert.match(file.said, /\nprojected 1 user\n$/)
  assert.deepEqual(await rightOf(service, [7, 8]), [true, false])

  connection.run("UPDATE roles SET title = 'Missed' WHERE role = 'cashier'", [])
  connection.run('DELETE FROM entity_changes', [])
  const roles = async () => JSON.stringify(await raw.hgetall(keys.roles)).includes('Missed')
  assert.equal(await roles(), false)
  const times = ['--since', '2024-05-01T13:00:00+02:00', '--until', '2024-05-01T12:00:00Z']
  const between = await run(['replay', ...times])
  assert.deepEqual([between.code, /\nprojected 2 users\n$/.test(between.said)], [0, true], between.said)
  assert.deepEqual(await rightOf(service, [1, 2, 3, 4, 8]), [false, true, true, false, false])
  assert.equal(await roles(), true)

  // Ten minutes, the longest transaction, before this mark.
  await raw.set(keys.home.mark, '2024-05-01 13:10:00.000')
  const mark = await run(['replay', '--from-mark'])
  assert.deepEqual([mark.code, /\nprojected 1 user\n$/.test(mark.said)], [0, true], mark.said)
  assert.deepEqual(await rightOf(service, [1, 4, 8]), [false, true, false])

  await raw.del(keys.home.mark)
  const none = await run(['replay', '--from-mark'])
  assert.deepEqual(none, {
    code: 1,
    said: 'Redis has no mark to replay from; `users-service rebuild` builds all read models again.\n',
  })
})

test('who cannot be projected is fenced and named, and 1 says so', { timeout: 120_000 }, async (t) => {
  const { t: ends, config, parts, raw, keys, run, miss, isRight, waiting } = await stage(t, 30)
  miss('2024-05-01 10:00:00.000', 'user_id < 20')
  const { projector, truth } = parts
  const handle: typeof projector.handle = async (changes) => {
    if (changes.some(({ entityId }) => ['3', '11'].includes(entityId))) throw new TypeError('planted')
    await projector.handle(changes)
  }
  const jobs = wireJobs(config, parts, quiet)
  ends.after(jobs.close)
  const worker = jobs.replays.work(replayer({ truth, projector: { ...projector, handle }, log: quiet }), 1)
  ends.after(worker.stop)
  await waiting(1)
  const { code, said } = await run(['replay', '--since', '2024-05-01T10:00:00Z'])
  assert.equal(code, 1)
  assert.match(said, /\nprojected 17 users; 2 could not be, and are read from the database: 3, 11\n$/)
  // No body, and the database's version: whoever reads asks the database.
  const [version, body] = await raw.hmget(keys.user(3), 'v', 'b')
  assert.deepEqual([Number(version), body], [(await truth.versions([3])).get(3), null])
  assert.deepEqual([await isRight(2), await isRight(4), await isRight(19)], [true, true, true])
})

test('a worker of either role replays what was asked for, once for all who ask', { timeout: 120_000 }, async (t) => {
  for (const role of ['project', 'jobs']) {
    const { t: ends, config, parts, start, miss, isRight } = await stage(t, 5)
    miss('2024-05-01 10:00:00.000', 'user_id = 3')
    const jobs = wireJobs(config, parts, quiet)
    ends.after(jobs.close)
    const replay = () => assert.fail('the queue is there')
    const open = () => replayRequests({ queue: jobs.replays, replay, stop: new AbortController().signal, log: quiet })
    const [one, other] = [open(), open()]
    const data = { since: '2024-05-01 10:00:00.000', until: null }
    for (const { ask } of [one, other]) assert.equal(await ask('k', data), false)
    start(['work', role])
    for (const { ask } of [one, other]) await until('it is done', () => ask('k', data), LIMIT_MS)
    assert.equal(await isRight(3), true)
  }
})

const MANY = 12_000
const SINCE = ['--since', '2024-05-01T00:00:00Z']
async function halfway(service: Stage) {
  await until('it is on its way', () => service.isRight(3_000), LIMIT_MS)
  assert.equal(await service.isRight(MANY), false, 'it was not done yet: more people are needed for this test')
  // Whoever began again would bring this one back.
  await service.raw.del(service.keys.user(1))
}
async function assertResumed({ raw, keys, isRight }: Stage) {
  assert.equal(await raw.exists(keys.user(1)), 0, 'it was not begun again')
  assert.deepEqual(await Promise.all([3_000, 7_777, MANY].map(isRight)), [true, true, true])
}

test('a worker that is killed in the middle: whoever waits goes on', { timeout: 180_000 }, async (t) => {
  const service = await stage(t, MANY)
  service.miss('2024-05-01 10:00:00.000', 'user_id > 0')
  const worker = service.start(['work', 'jobs'])
  // For builds, audits and replays.
  await service.waiting(3)
  const asking = service.start(['replay', ...SINCE])
  await until('it is on its way', () => service.isRight(3_000), LIMIT_MS)
  await worker.kill()
  await halfway(service)
  const { code, said } = await asking.ended
  assert.equal(code, 0, said)
  assert.match(said, /\nprojected 12,000 users\n$/)
  await assertResumed(service)
})

test('`replay` that is interrupted leaves the job; a worker goes on', { timeout: 180_000 }, async (t) => {
  const service = await stage(t, MANY)
  service.miss('2024-05-01 10:00:00.000', 'user_id > 0')
  const first = service.start(['replay', ...SINCE])
  await until('it is on its way', () => service.isRight(3_000), LIMIT_MS)
  const { code, said } = await first.kill('SIGINT')
  assert.equal(code, 1)
  assert.match(said, /stopped; the next worker, or `users-service replay`, goes on from there/)
  await halfway(service)
  service.start(['work', 'project'])
  await until('it is done', () => service.isRight(MANY), LIMIT_MS)
  await assertResumed(service)
})

test('without the Redis of its jobs `replay` does it itself', { timeout: 120_000 }, async (t) => {
  const { run, miss, isRight } = await stage(t, 5)
  const gone = await startTestRedis()
  await gone.stop()
  miss('2024-05-01 10:00:00.000', 'user_id = 3')
  const { code, said } = await run(['replay', '--ids', '3'], { more: { JOBS_REDIS_URL: gone.url } })
  assert.equal(code, 0, said)
  assert.match(said, /\nprojected 1 user\n$/)
  assert.equal(await isRight(3), true)
})
