import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import {
  connectClient,
  counting,
  freshKeys,
  openTruth,
  readModelsOf,
  type TestTruth,
} from '../../../test/support/read-models.ts'
import { startTestRedis, type TestRedis } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import type { Truth } from '../../ports.ts'
import type { UserBody } from '../../wire/user.ts'
import type { ShownUser } from './views.ts'

const USERS = 620

let server: TestRedis
let raw: Redis
let source: TestTruth
const ends: (() => unknown)[] = []
before(async () => {
  server = await startTestRedis()
  raw = new Redis(server.url, { protocol: 2 })
  source = await openTruth({ after: (end) => void ends.push(end) }, USERS)
})
after(async () => {
  for (const end of ends) await end()
  raw?.disconnect()
  await server?.stop()
})

async function start(t: TestContext, { url = server.url, truth = source.truth }: { url?: string; truth?: Truth } = {}) {
  const keys = freshKeys()
  const client = await connectClient(t, url, keys)
  const counted = counting(truth)
  const models = readModelsOf({ client, keys, truth: counted.truth })
  const filled = (userId: number) =>
    until(`user ${userId} is filled in`, async () => (await raw.hexists(keys.user(userId), 'b')) === 1)
  return { keys, client, bulkReads: counted.bulkReads, filled, ...models }
}
const bodyOf = (user: ShownUser | null): UserBody => JSON.parse(user?.body?.toString() ?? 'null')
const usernameOf = (userId: number) => {
  const [row] = source.query('SELECT username FROM users WHERE user_id = ?', userId)
  return String(row?.username)
}

test('a miss is answered by the database and filled in; then Redis answers the same bytes', async (t) => {
  const { begin, views, filled, bulkReads } = await start(t)
  await begin()
  const missed = await views.byId(2)
  assert.equal(missed.from, 'database')
  assert.equal(bodyOf(missed).userId, 2)
  await filled(2)
  assert.deepEqual(await views.byId(2), { ...missed, from: 'redis' })
  assert.deepEqual(bulkReads, [[2]])
})

test('a user who never existed is null, and leaves nothing behind', async (t) => {
  const { begin, views, keys } = await start(t)
  await begin()
  const absent = { userId: 4_000, version: 0, body: null, from: 'database' as const }
  assert.deepEqual(await views.byId(4_000), absent)
  assert.deepEqual(await views.byId(4_000), absent)
  assert.equal(await raw.exists(keys.user(4_000)), 0)
})

test('a deleted user’s tombstone costs the database one read', async (t) => {
  const own = await openTruth(t, 2)
  const { begin, views, filled, bulkReads } = await start(t, { truth: own.truth })
  await begin()
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
    own.sql(`DELETE FROM ${table} WHERE user_id = 2`)
  }
  const gone = await views.byId(2)
  assert.equal(gone.body, null)
  assert.ok(gone.version > 5)
  await filled(2)
  assert.deepEqual(await views.byId(2), { ...gone, from: 'redis' })
  assert.equal(bulkReads.length, 1)
})

test('a fenced user comes from the database until the truth is as new as the fence', async (t) => {
  const { begin, views, users, filled, keys } = await start(t)
  await begin()
  const { version } = await views.byId(3)
  await filled(3)
  await users.fence(3, version + 1)
  assert.equal((await views.byId(3)).from, 'database')
  assert.equal((await views.byId(3)).from, 'database')
  assert.equal(await raw.hexists(keys.user(3), 'b'), 0)
})

test('many users are answered in the order asked for, from Redis and database mixed, duplicates too', async (t) => {
  const { begin, views, filled, bulkReads } = await start(t)
  await begin()
  await views.byId(5)
  await filled(5)
  const found = await views.byIds([9, 5, 4_000, 1, 5])
  assert.deepEqual(
    found.map(({ userId, from, body }) => [userId, from, body === null]),
    [
      [9, 'database', false],
      [5, 'redis', false],
      [4_000, 'database', true],
      [1, 'database', false],
      [5, 'redis', false],
    ],
  )
  assert.deepEqual(
    found.map((user) => bodyOf(user)?.userId),
    [9, 5, undefined, 1, 5],
  )
  assert.deepEqual(bulkReads, [[5], [9, 4_000, 1]])
})

test('no bulk read is larger than the database takes, whether Redis is believed or not', async (t) => {
  const all = Array.from({ length: USERS }, (_, i) => USERS - i)
  const { begin, views, bulkReads } = await start(t)
  const unbelieved = await views.byIds(all)
  await begin()
  const believed = await views.byIds(all)
  for (const users of [unbelieved, believed])
    assert.deepEqual(
      users.map(({ userId }) => userId),
      all,
    )
  assert.deepEqual(
    bulkReads.map(({ length }) => length),
    [500, 120, 500, 120],
  )
})

test('nobody asked for is nobody, without a read', async (t) => {
  const { begin, views, bulkReads } = await start(t)
  await begin()
  assert.deepEqual(await views.byIds([]), [])
  assert.equal(bulkReads.length, 0)
})

test('a Redis that may not be believed is not read and not written', async (t) => {
  const { client, views, keys } = await start(t)
  // What another life of this Redis left behind.
  await raw.hset(keys.user(2), { v: '999', b: '{"userId":2}', t: '' })
  await raw.set(keys.username(usernameOf(2)), '3')
  assert.equal(client.incarnation(keys.home.inc), null)
  for (const found of [await views.byId(2), (await views.byIds([2]))[0], await views.byUsername(usernameOf(2))]) {
    assert.equal(found?.from, 'database')
    assert.equal(found?.version, 5)
  }
  assert.equal(await raw.hget(keys.user(2), 'v'), '999')
})

test('without Redis the database answers everything', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { begin, views, client } = await start(t, { url: own.url })
  await begin()
  await views.byId(2)
  await own.stop()
  const all = [await views.byId(2), ...(await views.byIds([3, 2])), await views.byUsername(usernameOf(2))]
  assert.deepEqual(
    all.map((user) => [user?.userId, user?.from]),
    [2, 3, 2, 2].map((userId) => [userId, 'database']),
  )
  assert.equal(client.incarnation(keys.home.inc), null)
})

test('an entry that cannot be read is no fault of the caller’s', async (t) => {
  const { begin, views, keys } = await start(t)
  await begin()
  await raw.set(keys.user(2), 'not a hash')
  await raw.hset(keys.username(usernameOf(2)), 'not', 'a string')
  assert.equal((await views.byId(2)).from, 'database')
  assert.equal((await views.byUsername(usernameOf(2)))?.userId, 2)
})

test('a username is found whatever its ASCII case, and then through its hint', async (t) => {
  const { begin, views, filled, keys } = await start(t)
  await begin()
  const username = usernameOf(6)
  const missed = await views.byUsername(username.toUpperCase())
  assert.deepEqual([missed?.userId, missed?.from], [6, 'database'])
  await filled(6)
  await until('the hint is written', () => raw.get(keys.username(username)))
  assert.deepEqual(await views.byUsername(username.toUpperCase()), { ...missed, from: 'redis' })
})

test('nobody has an unknown username, and nothing is remembered of it', async (t) => {
  const { begin, views, keys } = await start(t)
  await begin()
  assert.equal(await views.byUsername('nobody.at.all'), null)
  assert.equal(await raw.exists(keys.username('nobody.at.all')), 0)
})

const WRONG_HINTS = [
  { what: 'names a user with another username', hint: '7' },
  { what: 'names a user who is not there', hint: '4000' },
  { what: 'is not a number', hint: 'x' },
]
for (const { what, hint } of WRONG_HINTS) {
  test(`a hint that ${what} asks the database`, async (t) => {
    const { begin, views, filled, keys } = await start(t)
    await begin()
    await views.byIds([7, 8])
    await filled(7)
    await filled(8)
    const username = usernameOf(8)
    await until('the hint is written', () => raw.get(keys.username(username)))
    await raw.set(keys.username(username), hint)
    const found = await views.byUsername(username)
    assert.deepEqual([found?.userId, found?.from], [8, 'database'])
    // The fill mends it.
    await until('the hint is mended', async () => (await raw.get(keys.username(username))) === '8')
  })
}

test('a user who kept moving while read is answered but not stored', async (t) => {
  const truth: Truth = {
    ...source.truth,
    users: async (userIds) => (await source.truth.users(userIds)).map((user) => ({ ...user, settled: false })),
  }
  const { begin, views, client, keys } = await start(t, { truth })
  await begin()
  assert.equal((await views.byId(2)).from, 'database')
  // A fill takes two round trips; what the client asks for after them would be answered after it.
  for (let i = 0; i < 4; i += 1) await client.get(keys.home.mark)
  assert.equal(await raw.exists(keys.user(2)), 0)
})

test('what was read before a flush is not put in after it, and the flush is noticed', async (t) => {
  let flush = async () => undefined as unknown
  const truth: Truth = {
    ...source.truth,
    users: async (userIds) => {
      const found = await source.truth.users(userIds)
      await flush()
      return found
    },
  }
  const { begin, views, client, keys } = await start(t, { truth })
  const before = await begin()
  flush = async () => raw.set(keys.home.inc, before.replace(/^\w+/, 'other'))
  assert.equal((await views.byId(2)).from, 'database')
  await until('the client knows the new incarnation', async () => client.incarnation(keys.home.inc) !== before)
  assert.equal(await raw.exists(keys.user(2)), 0)
})
