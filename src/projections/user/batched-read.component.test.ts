import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { believe, callsOf, connectClient, freshKeys, redisOfFile } from '../../../test/support/read-models.ts'
import { until } from '../../../test/support/service.ts'
import { batchedRead, type Held } from './batched-read.ts'
import { NOBODY } from './bodies.ts'

const { server, raw } = await redisOfFile()

/** Entries 1 … `users` at version 10 times their id, and how many commands reads have taken. */
async function start(t: TestContext, users: number, { believed = true, partitions = 1 } = {}) {
  const keys = freshKeys(partitions)
  if (believed) await believe(raw, keys)
  for (let id = 1; id <= users; id += 1) {
    await raw.hset(keys.user(id), { v: String(10 * id), b: `body ${id}`, p: `bare body ${id}` })
  }
  const redis = await connectClient(t, server.url, keys)
  const read = batchedRead({ redis, keys })
  // The first call of a script fails by its digest and carries the text; what is counted begins after it.
  await read(1)
  const before = await callsOf(raw, 'evalsha_ro')
  return { keys, redis, read, commands: async () => (await callsOf(raw, 'evalsha_ro')) - before }
}
const shown = (held: Held | undefined) => {
  if (!held?.bodies) return held && `${held.version} fenced`
  const { full, bare } = held.bodies
  assert.equal(bare.toString(), `bare ${full}`, 'both are of one user')
  return `${held.version} ${full}`
}
const NOTHING = '-1 fenced'
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('all readers of one turn travel in one command, and each gets its own answer', async (t) => {
  const { read, commands } = await start(t, 50)
  const ids = [50, 3, 17, 999, 1, 42]
  assert.deepEqual((await Promise.all(ids.map(read))).map(shown), [
    '500 body 50',
    '30 body 3',
    '170 body 17',
    NOTHING,
    '10 body 1',
    '420 body 42',
  ])
  assert.equal(await commands(), 1)
})

test('a user whom many ask for in one turn is read once', async (t) => {
  const { read, commands } = await start(t, 2)
  const before = await callsOf(raw, 'hmget')
  const all = await Promise.all([1, 1, 2, 1, 2, 1].map(read))
  assert.deepEqual(
    all.map(shown),
    [1, 1, 2, 1, 2, 1].map((id) => `${10 * id} body ${id}`),
  )
  assert.equal(await commands(), 1)
  // Scripts run their commands through the same counters.
  assert.equal((await callsOf(raw, 'hmget')) - before, 2)
})

test('readers of another turn travel in another command', async (t) => {
  const { read, commands } = await start(t, 2)
  const first = read(1)
  await turn()
  const second = read(1)
  assert.deepEqual([shown(await first), shown(await second)], ['10 body 1', '10 body 1'])
  assert.equal(await commands(), 2)
})

for (const { users, expected } of [
  { users: 256, expected: 1 },
  { users: 257, expected: 2 },
  { users: 600, expected: 3 },
]) {
  test(`${users} users asked for in one turn take ${expected} command(s), and are in order`, async (t) => {
    const { read, commands } = await start(t, 3)
    const ids = Array.from({ length: users }, (_, i) => users - i)
    const answers = await Promise.all(ids.map(read))
    assert.equal(await commands(), expected)
    assert.deepEqual(answers.slice(0, -3).map(shown), Array(users - 3).fill(NOTHING))
    assert.deepEqual(answers.slice(-3).map(shown), ['30 body 3', '20 body 2', '10 body 1'])
  })
}

test('of missing users nothing is known, of fenced ones the version; tombstones have empty bodies', async (t) => {
  const { read, keys } = await start(t, 1)
  await raw.hset(keys.user(2), { v: '5', t: 'terms' })
  await raw.hset(keys.user(3), { v: '6', b: '', p: '', t: '' })
  const [there, fenced, gone, missing] = await Promise.all([1, 2, 3, 4].map(read))
  assert.deepEqual([there, fenced, missing].map(shown), ['10 body 1', '5 fenced', NOTHING])
  assert.deepEqual(gone, { version: 6, bodies: NOBODY })
})

test('a command that fails sends all who wait for it to the truth, and nobody after them', async (t) => {
  const { read, redis, keys, commands } = await start(t, 1)
  const { inc } = keys.home
  const incarnation = redis.incarnation(inc) ?? ''
  await raw.del(inc)
  await raw.rpush(inc, 'not a string')
  assert.deepEqual(await Promise.all([read(1), read(2), read(1), read(3)]), [null, null, null, null])
  assert.equal(await commands(), 1)
  await raw.set(inc, incarnation)
  assert.equal(shown(await read(1)), '10 body 1')
})

test('a failing command takes no other of the same turn with it', async (t) => {
  const { read, keys } = await start(t, 2, { partitions: 2 })
  await raw.del(keys.of(2).inc)
  await raw.rpush(keys.of(2).inc, 'not a string')
  const answers = await Promise.all([1, 2].map(read))
  assert.equal(shown(answers[0] ?? null), '10 body 1')
  assert.equal(answers[1], null)
})

for (const [what, put] of [
  ['no hash', (key: string) => raw.set(key, 'text')],
  ['of no version', (key: string) => raw.hset(key, { v: 'five', b: 'body', p: 'bare body' })],
  ['of a version that is no whole number', (key: string) => raw.hset(key, { v: '1.5', b: 'body', p: 'bare body' })],
  ['of a version before all', (key: string) => raw.hset(key, { v: '-7', b: 'body', p: 'bare body' })],
] as const) {
  test(`an entry that is ${what} is none, and takes no other with it`, async (t) => {
    const { read, keys } = await start(t, 1)
    await put(keys.user(2))
    assert.deepEqual((await Promise.all([1, 2].map(read))).map(shown), ['10 body 1', NOTHING])
  })
}

for (const [what, fields] of [
  ['with one body alone', { b: 'body' }],
  ['with the other body alone', { p: 'body' }],
  ['with one body that says nobody', { b: '', p: 'body' }],
  ['with another body that says nobody', { b: 'body', p: '' }],
] as const) {
  test(`an entry ${what} has none, and says only the least version that may be shown`, async (t) => {
    const { read, keys } = await start(t, 1)
    await raw.hset(keys.user(2), { v: '20', ...fields })
    assert.deepEqual(await read(2), { version: 20, bodies: null })
    assert.equal(shown(await read(1)), '10 body 1')
  })
}

test('what a Redis that may not be believed holds is nothing', async (t) => {
  const { read, redis, keys } = await start(t, 1, { believed: false })
  assert.equal(redis.incarnation(keys.home.inc), null)
  assert.equal(await read(1), null)
})

test('a closed connection sends everybody to the truth', async (t) => {
  const { read, redis } = await start(t, 2)
  await redis.close()
  assert.deepEqual(await Promise.all([read(1), read(2)]), [null, null])
})

test('the readers of one turn travel in one command a partition', async (t) => {
  const { read, commands } = await start(t, 20, { partitions: 7 })
  const ids = [20, 13, 6, 1, 8, 15, 99]
  const expected = ids.map((id) => (id === 99 ? NOTHING : `${10 * id} body ${id}`))
  assert.deepEqual((await Promise.all(ids.map(read))).map(shown), expected)
  // 20, 13 and 6 lie in one; 1, 8, 15 and 99 in another.
  assert.equal(await commands(), 2)
})

for (const { what, inc } of [
  { what: 'emptied', inc: null },
  { what: 'being emptied', inc: 'y.emptying' },
  { what: 'another server’s', inc: 'y.another' },
]) {
  test(`what is ${what} behind an open connection is not believed, is noticed, and takes no other partition with it`, async (t) => {
    const { read, redis, keys } = await start(t, 3, { partitions: 2 })
    const held = redis.incarnation(keys.of(2).inc)
    if (inc === null) await raw.del(keys.of(2).inc)
    else await raw.set(keys.of(2).inc, inc)
    assert.equal(redis.incarnation(keys.of(2).inc), held, 'nobody has told the client')
    assert.deepEqual((await Promise.all([1, 2, 3].map(read))).map(shown), ['10 body 1', null, '30 body 3'])
    await until('it is noticed', async () => redis.incarnation(keys.of(2).inc) === null)
    assert.notEqual(redis.incarnation(keys.of(1).inc), null)
  })
}

test('a new incarnation behind an open connection is believed when it has been looked at', async (t) => {
  const { read, redis, keys } = await start(t, 1)
  const begun = `y${redis.incarnation(keys.home.inc)?.slice(1)}`
  await raw.set(keys.home.inc, begun)
  assert.equal(await read(1), null, 'what this process goes by is another life')
  await until('it is noticed', async () => redis.incarnation(keys.home.inc) === begun)
  assert.equal(shown(await read(1)), '10 body 1')
})
