import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type Keys, readModelKeys } from '../../src/projections/keys.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { apiClient } from './client.ts'

/** Audits as often as the settings allow: what no command meets, only they find. */
const SOON = { AUDIT_RECHECK_AFTER_MS: '3000', AUDIT_SAMPLE_EVERY_MS: '1000', AUDIT_WALK_EVERY_MS: '10000' }
const LIMIT_MS = 60_000
const NOBODY = 900_000
/** What mends takes its time; each look is many requests. */
const LOOK_EVERY_MS = 20

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

async function stage(t: Owner) {
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

let rounds = 0
/** Every kind of read, and a command; none may fail, and none may answer anything but what is so. */
async function everythingAnswers({ api, userId, other }: Staged): Promise<void> {
  const url = `/v1/users/${userId}`
  rounds += 1
  const jobTitle = `round ${rounds}`
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
  // Another one each time: that somebody is nobody is remembered.
  assert.equal((await api.get(`/v1/users/${NOBODY + rounds}`)).statusCode, 404)
}

const consistency = async ({ app }: TestService) => (await app.inject('/health/consistency')).json()

/** Lists and searches come from Redis again, and nothing in it is of a type that is not kept there. */
async function everythingIsMended({ service, raw, api, userId }: Staged, key: string, type: string): Promise<void> {
  await until(
    'all is read from Redis again',
    async () => {
      await pause(LOOK_EVERY_MS)
      if (!['none', type].includes(await raw.type(key))) return false
      for (const url of [`/v1/users/${userId}`, '/v1/users?limit=200', '/v1/users?q=damaged', '/v1/roles'])
        if ((await api.get(url)).headers['read-from'] !== 'redis') return false
      return true
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

describe('damage that reads and commands meet', () => {
  const ends: (() => unknown)[] = []
  let staged: Staged
  before(async () => {
    staged = await stage({ after: (end) => void ends.unshift(end) })
  })
  after(async () => {
    for (const end of ends) await end()
  })

  for (const [place, keyOf] of Object.entries(PLACES)) {
    test(`${place}: whatever stands there is answered past, and mended`, { timeout: 300_000 }, async () => {
      const { raw, keys, userId } = staged
      const key = keyOf(keys, userId)
      const kept = KEPT[place] ?? 'string'
      for (const [type, put] of Object.entries(TYPES)) {
        if (type === kept && INDEXES.includes(place)) continue
        await raw.del(key)
        await put(raw, key)
        await everythingAnswers(staged).catch((error) => {
          throw new Error(`with a ${type} there: ${error.message}`, { cause: error })
        })
        await everythingIsMended(staged, key, kept)
      }
    })
  }
})

test('what no command meets is found by the auditor, and counted', { timeout: 120_000 }, async (t: TestContext) => {
  const { service, raw, api, keys, userId } = await stage(lastFirst(t))
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
