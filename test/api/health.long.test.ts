import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { lastFirst } from '../contract/rig.ts'
import { startTestRedis } from '../support/redis.ts'
import { startService, type TestOptions, type TestService, until } from '../support/service.ts'

const readiness = async ({ app }: TestService) => {
  const answer = await app.inject('/health/ready')
  return { status: answer.statusCode, ...answer.json() }
}
type Checks = Record<string, { state: string; why?: string }>
const states = (checks: Checks) => Object.fromEntries(Object.entries(checks).map(([name, { state }]) => [name, state]))
const isOk = ({ state }: { state: string }) => state === 'ok'
const ALL_OK = { database: 'ok', redis: 'ok', changes: 'ok', nearCache: 'ok' }

async function stage(context: Parameters<typeof lastFirst>[0], options: TestOptions = {}) {
  const t = lastFirst(context)
  const service = await startService(options)
  t.after(service.close)
  return { t, service }
}

/** Each has a service of its own, and waits for the most part. */
describe('readiness', { concurrency: 3 }, () => {
  test('all is well, and said of each', async (t) => {
    const { service } = await stage(t)
    await service.built()
    await until('all are well', async () => Object.values((await readiness(service)).checks as Checks).every(isOk))
    const { status, ready, checks } = await readiness(service)
    assert.deepEqual([status, ready, states(checks)], [200, true, ALL_OK])
  })

  test('without a near cache nothing is said of one', async (t) => {
    const { service } = await stage(t, { environment: { NEAR_CACHE_BYTES: '0' } })
    assert.equal('nearCache' in (await readiness(service)).checks, false)
  })

  test('a Redis that is silent is told of soon, with what it takes along; the service stays ready', async (t) => {
    const { t: last, service } = await stage(t)
    await service.built()
    process.kill(service.redis.pid, 'SIGSTOP')
    last.after(() => process.kill(service.redis.pid, 'SIGCONT'))
    await until('the near cache is off', async () => (await readiness(service)).checks.nearCache.state === 'degraded')
    await until('Redis is missed', async () => {
      const { why } = (await readiness(service)).checks.redis
      return why === 'out of reach; reads come from the database'
    })
    const { status, checks } = await readiness(service)
    assert.equal(status, 200)
    assert.equal(checks.nearCache.why, 'off: Redis does not tell of changes; reads come from Redis')
    assert.equal(checks.database.state, 'ok')
  })

  test('a Redis that nobody prepares is told of', async (t) => {
    const { service } = await stage(t, { worker: false })
    const { status, checks } = await readiness(service)
    assert.equal(status, 200)
    assert.deepEqual(checks.redis, {
      state: 'degraded',
      why: 'not yet prepared by a worker; reads come from the database',
    })
  })

  test('a Redis that may drop keys is told of, and read all the same', async (t) => {
    const redis = await startTestRedis()
    const admin = new Redis(redis.url, { protocol: 2 })
    t.after(() => admin.disconnect())
    await admin.config('SET', 'maxmemory', '100mb')
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const { service } = await stage(t, { redis })
    await service.built()
    const { status, checks } = await readiness(service)
    assert.equal(status, 200)
    assert.match(checks.redis.why, /^drops keys when its memory is full \(allkeys-lru\), .*: set noeviction$/)
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal')
    await until('it is well', async () => (await readiness(service)).checks.redis.state === 'ok')
  })
})
