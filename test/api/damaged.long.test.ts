import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { type Keys, readModelKeys } from '../../src/projections/keys.ts'
import { lastFirst } from '../contract/rig.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { apiClient } from './client.ts'

/** Audits as often as the settings allow: what no command meets, only they find. */
const SOON = { AUDIT_RECHECK_AFTER_MS: '3000', AUDIT_SAMPLE_EVERY_MS: '1000', AUDIT_WALK_EVERY_MS: '10000' }
const LIMIT_MS = 60_000

const TYPES: Record<string, (redis: Redis, key: string) => Promise<unknown>> = {
  string: (redis, key) => redis.set(key, 'somebody else’s'),
  hash: (redis, key) => redis.hset(key, 'v', 'x', 'b', 'x', 't', 'x'),
  list: (redis, key) => redis.rpush(key, 'a', 'b'),
  set: (redis, key) => redis.sadd(key, 'x'),
  zset: (redis, key) => redis.zadd(key, 3, 'x'),
}

type Place = (keys: Keys, userId: number) => string
/** Where something stands in Redis; garbage of the right type is among what is put there. */
const PLACES: Record<string, Place> = {
  entry: (keys, userId) => keys.user(userId),
  lease: (keys, userId) => keys.of(userId).lease(userId),
  names: ({ home }) => home.names,
  ids: ({ home }) => home.ids,
  roster: ({ home }) => home.branch('D1'),
  dirty: ({ home }) => home.dirty,
  ghosts: ({ home }) => home.ghosts,
  inc: ({ home }) => home.inc,
  mark: ({ home }) => home.mark,
  built: ({ home }) => home.built,
  ahead: ({ home }) => home.ahead,
  'the username’s hint': (keys) => keys.username('dora.damaged'),
  'the roles': ({ roles }) => roles,
  'the tally': ({ tally }) => tally,
  'the register of schemas': ({ schemas }) => schemas,
}

async function stage(context: TestContext) {
  const t = lastFirst(context)
  const service = await startService({ environment: { NEAR_CACHE_BYTES: '0', ...SOON } })
  t.after(service.close)
  const raw = new Redis(service.redis.url, { protocol: 2 })
  t.after(() => raw.disconnect())
  const api = await apiClient(service.app)
  await api.role('cashier', 'receipt.void')
  const details = { username: 'dora.damaged', givenName: 'Dora', familyName: 'Damaged', homeBranchId: 'D1' }
  const { userId } = (await api.post('/v1/users', details)).json()
  await api.put(`/v1/users/${userId}/roles/cashier`)
  const other = await api.somebody({ homeBranchId: 'D1' })
  await service.built()
  await service.drained()
  const [row] = await service.query('SELECT epoch FROM service_epoch')
  return { service, raw, api, keys: readModelKeys(String(row?.epoch)), userId, other }
}
type Staged = Awaited<ReturnType<typeof stage>>

/** Every kind of read, and a command; none may fail, and none may answer anything but what is so. */
async function everythingAnswers({ api, userId, other }: Staged, round: number): Promise<void> {
  const url = `/v1/users/${userId}`
  const jobTitle = `round ${round}`
  const written = await api.patch(url, { jobTitle })
  assert.equal(written.statusCode, 200, written.body)
  const alone = [url, '/v1/users/by-username/dora.damaged']
  for (const path of alone) {
    const answer = await api.get(path)
    assert.deepEqual([answer.statusCode, answer.json().jobTitle], [200, jobTitle], answer.body)
  }
  assert.equal((await api.get(`/v1/users/${other}`)).statusCode, 200)
  for (const path of ['/v1/users?limit=200', '/v1/branches/D1/users', `/v1/users?ids=${userId},${other}`]) {
    const answer = await api.get(path)
    assert.equal(answer.statusCode, 200, answer.body)
    const ids = answer.json().items.map((item: { userId: number }) => item.userId)
    assert.deepEqual([ids.includes(userId), ids.includes(other)], [true, true], `${path}: ${ids}`)
  }
  const found = await api.get('/v1/users?q=damaged')
  assert.ok(found.statusCode === 503 || found.json().items[0]?.jobTitle === jobTitle, found.body)
  const permission = await api.get(`${url}/permissions/receipt.void`)
  assert.deepEqual([permission.statusCode, permission.json().decision], [200, 'allow'], permission.body)
  assert.equal((await api.get('/v1/roles')).statusCode, 200)
  assert.equal((await api.get('/v1/users/999999')).statusCode, 404)
}

const consistency = async ({ app }: TestService) => (await app.inject('/health/consistency')).json()

/** Lists and searches come from Redis again, and nothing in it is of a type that is not kept there. */
async function everythingIsMended({ service, raw, api, userId }: Staged, key: string, type: string): Promise<void> {
  await until(
    'all is read from Redis again',
    async () => {
      const answers = [`/v1/users/${userId}`, '/v1/users?limit=200', '/v1/users?q=damaged', '/v1/roles']
      const from = await Promise.all(answers.map(async (url) => (await api.get(url)).headers['read-from']))
      return from.every((where) => where === 'redis') && ['none', type].includes(await raw.type(key))
    },
    LIMIT_MS,
  )
  assert.equal((await service.app.inject('/health/consistency')).statusCode, 200)
}

/** The type that is right there. */
const KEPT: Record<string, string> = {
  ...{ entry: 'hash', 'the roles': 'hash', 'the tally': 'hash', 'the register of schemas': 'hash' },
  ...{ names: 'zset', ids: 'zset', roster: 'zset', ghosts: 'zset', dirty: 'set' },
}
/** Of these, somebody who empties or fills them by hand is found by the auditor alone. */
const INDEXES = ['names', 'ids', 'roster', 'dirty']

for (const [place, keyOf] of Object.entries(PLACES)) {
  test(`${place}: whatever stands there is answered past, and mended`, { timeout: 300_000 }, async (t) => {
    const staged = await stage(t)
    const { raw, keys, userId } = staged
    const key = keyOf(keys, userId)
    const kept = KEPT[place] ?? 'string'
    let round = 0
    for (const [type, put] of Object.entries(TYPES)) {
      if (type === kept && INDEXES.includes(place)) continue
      await raw.del(key)
      await put(raw, key)
      round += 1
      await everythingAnswers(staged, round).catch((error) => {
        throw new Error(`with a ${type} there: ${error.message}`, { cause: error })
      })
      await everythingIsMended(staged, key, kept)
    }
  })
}

test('what no command meets is found by the auditor, and counted', { timeout: 120_000 }, async (t) => {
  const { service, raw, api, keys, userId } = await stage(t)
  await service.startWorker(['jobs'])
  const { home } = keys
  await raw.hset(keys.user(userId), 'v', 'x')
  await raw.set(keys.user(4711), 'nobody’s')
  for (const index of [home.names, home.ids, home.branch('D1')]) await raw.zadd(index, 3, 'x')
  const isMended = async () => {
    const strays = await Promise.all([home.names, home.ids, home.branch('D1')].map((index) => raw.zscore(index, 'x')))
    return strays.every((score) => score === null) && (await raw.exists(keys.user(4711))) === 0
  }
  await until('all that is no user’s is gone', isMended, LIMIT_MS)
  const { found, mended, sinceSampleMs, sinceWalkMs } = await consistency(service)
  assert.ok(found.unreadable >= 2 && mended.unreadable >= 2, JSON.stringify({ found, mended }))
  assert.ok(found['ids-extra'] >= 1 && found['names-extra'] >= 1 && found['roster-extra'] >= 1, JSON.stringify(found))
  assert.equal((await api.get(`/v1/users/${userId}`)).json().userId, userId)
  assert.equal((await api.get('/v1/users?limit=10')).headers['read-from'], 'redis')
  assert.ok(sinceSampleMs >= 0 && sinceWalkMs >= 0, `${sinceSampleMs}, ${sinceWalkMs}`)
})
