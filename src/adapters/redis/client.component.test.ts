import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Redis } from 'ioredis'
import { callsOf, connectClient, connectRaw, freshKeys, redisOfFile } from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import type { LuaScript } from '../../ports/redis.ts'
import { redisClient } from './client.ts'

/** Short, so that silence is noticed soon; long enough that a busy machine is not taken for it. */
const SILENCE_MS = 200
/** What the event loop of a busy machine may add. */
const MARGIN_MS = 2_000

const { server, raw } = await redisOfFile()

/** A server of the test's own that may be stopped, silenced and started again at the same address. */
async function ownServer(t: TestContext) {
  const own = await startTestRedis()
  t.after(() => own.stop())
  t.after(() => signal(own.pid, 'SIGCONT'))
  return own
}
/** What has ended already needs no signal. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT') {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
const runIdOf = async (redis: Redis) => /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1] ?? ''

const ECHO: LuaScript = { name: 'echo', source: 'return {KEYS[1], ARGV[1]}' }
const READ: LuaScript = { name: 'read', source: 'return {redis.call("GET", KEYS[1]), false}' }

test('an incarnation is believed when it was begun on the serving master', async (t) => {
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  assert.equal(client.runId(keys.home.inc), await runIdOf(raw))
  const table = [
    { inc: null, believed: false },
    { inc: 'abc.another', believed: false },
    { inc: `abc.${client.runId(keys.home.inc)}`, believed: true },
    { inc: `abc${client.runId(keys.home.inc)}`, believed: false },
    { inc: '', believed: false },
  ]
  for (const { inc, believed } of table) {
    if (inc === null) await raw.del(keys.home.inc)
    else await raw.set(keys.home.inc, inc)
    assert.equal(await client.refreshIncarnation(keys.home.inc), believed ? inc : null, `inc ${inc}`)
    assert.equal(client.incarnation(keys.home.inc), believed ? inc : null)
  }
})

test('an incarnation is believed when it is the one that was begun last', async (t) => {
  const keys = freshKeys()
  let recorded: string | null = null
  const asked: [string, string][] = []
  const confirm = async (...question: [string, string]) => {
    asked.push(question)
    return question[1] === recorded
  }
  const client = await connectClient(t, server.url, keys, { confirm })
  const inc = `abc.${client.runId(keys.home.inc)}`
  await raw.set(keys.home.inc, inc)
  assert.equal(await client.refreshIncarnation(keys.home.inc), null)
  recorded = inc
  assert.equal(await client.refreshIncarnation(keys.home.inc), inc)
  assert.deepEqual(new Set(asked.map(String)), new Set([`${keys.home.inc},${inc}`]))
  asked.length = 0
  assert.equal(await client.refreshIncarnation(keys.home.inc), inc)
  assert.deepEqual(asked, [], 'once a connection is enough')
})

test('while nobody can say which was begun last, what was believed before goes on, and nothing else is believed', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const there = connectRaw(t, own.url)
  const keys = freshKeys()
  let isGone = false
  let asked = 0
  const confirm = async () => {
    asked += 1
    if (isGone) throw new Error('the database is gone')
    return true
  }
  const client = await connectClient(t, own.url, keys, { confirm })
  const incs = ['abc', 'def'].map((random) => `${random}.${client.runId(keys.home.inc)}`) as [string, string]
  await there.set(keys.home.inc, incs[0])
  assert.equal(await client.refreshIncarnation(keys.home.inc), incs[0])
  isGone = true
  const before = asked
  await there.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await until('the client is connected again, and has asked', async () => asked > before)
  await until('it believes again', async () => client.incarnation(keys.home.inc) === incs[0])
  await there.set(keys.home.inc, incs[1])
  // Time after time.
  for (let look = 1; look <= 3; look += 1) assert.equal(await client.refreshIncarnation(keys.home.inc), null)
  isGone = false
  assert.equal(await client.refreshIncarnation(keys.home.inc), incs[1])
})

test('while nothing is believed the client looks again by itself, and sees what a worker has mended', async (t) => {
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  assert.equal(client.incarnation(keys.home.inc), null)
  const inc = `abc.${client.runId(keys.home.inc)}`
  await raw.set(keys.home.inc, inc)
  await until('the client believes', async () => client.incarnation(keys.home.inc) === inc)
})

test('a server that has forgotten its scripts is given them again', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  for (let round = 1; round <= 2; round += 1) {
    await raw.script('FLUSH')
    const loaded = await callsOf(raw, 'eval')
    assert.deepEqual(await client.run(ECHO, ['k'], ['v']), ['k', 'v'])
    assert.equal((await callsOf(raw, 'eval')) - loaded, 1, 'the text travels once')
    assert.deepEqual(await client.run(ECHO, ['k'], ['w']), ['k', 'w'])
    assert.equal((await callsOf(raw, 'eval')) - loaded, 1)
  }
  await raw.script('FLUSH')
  await raw.set('client:read', 'seen')
  const all = await Promise.all([1, 2, 3].map(() => client.readBuffers(READ, ['client:read'])))
  assert.deepEqual(all, Array(3).fill([Buffer.from('seen'), null]))
})

test('a script’s own error is told, and its text is not sent again', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  const faulty: LuaScript = { name: 'faulty', source: 'return redis.error_reply("ERR of its own")' }
  await assert.rejects(client.run(faulty, [], []), /of its own/)
  const loaded = await callsOf(raw, 'eval')
  await assert.rejects(client.run(faulty, [], []), /of its own/)
  assert.equal(await callsOf(raw, 'eval'), loaded)
})

test('a script that reads may not write', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  const writes: LuaScript = { name: 'writes', source: 'return redis.call("SET", KEYS[1], "x")' }
  await assert.rejects(client.readBuffers(writes, ['client:never']), /Write commands are not allowed/)
  assert.equal(await raw.exists('client:never'), 0)
})

test('what is set for a while ends by itself, whatever was there before', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  await raw.hset('client:for', 'f', 'v')
  await client.setFor('client:for', 'x', 60_000)
  assert.equal(await client.getExpiring('client:for'), 'x')
  const ttlMs = await raw.pttl('client:for')
  assert.ok(ttlMs > 50_000 && ttlMs <= 60_000, `${ttlMs} ms`)
  await client.setFor('client:for', 'y', 20)
  await until('it has ended', async () => (await client.getExpiring('client:for')) === null)
})

test('of many who claim a key one has it, until the time that it was claimed for is over', async (t) => {
  const clients = await Promise.all([1, 2, 3].map(() => connectClient(t, server.url, freshKeys())))
  const claims = (ttlMs: number) =>
    Promise.all(Array.from({ length: 30 }, (_, i) => clients[i % clients.length]?.claim('client:claim', ttlMs)))
  assert.equal((await claims(60_000)).filter(Boolean).length, 1)
  const ttlMs = await raw.pttl('client:claim')
  assert.ok(ttlMs > 50_000 && ttlMs <= 60_000, `${ttlMs} ms`)
  assert.equal((await claims(20)).filter(Boolean).length, 0, 'nor is it shortened')
  await raw.pexpire('client:claim', 20)
  await until('its time is over', async () => (await raw.exists('client:claim')) === 0)
  assert.equal((await claims(20)).filter(Boolean).length, 1)
})

test('what was claimed and is released can be had again at once', async (t) => {
  const [one, two] = [
    await connectClient(t, server.url, freshKeys()),
    await connectClient(t, server.url, freshKeys()),
  ] as const
  const key = 'client:released'
  assert.deepEqual([await one.claim(key, 60_000), await two.claim(key, 60_000)], [true, false])
  await one.release(key)
  assert.deepEqual([await two.claim(key, 60_000), await one.claim(key, 60_000)], [true, false])
  await one.release('client:never-claimed')
})

test('of what somebody made by hand in the place of a claim, one of many has it, for as long as a claim', async (t) => {
  const clients = await Promise.all([1, 2, 3].map(() => connectClient(t, server.url, freshKeys())))
  for (const [key, make] of [
    ['client:stray', () => raw.set('client:stray', 'x')],
    ['client:stray-hash', () => raw.hset('client:stray-hash', 'f', 'v')],
  ] as const) {
    await make()
    const had = await Promise.all(Array.from({ length: 30 }, (_, i) => clients[i % clients.length]?.claim(key, 60_000)))
    assert.equal(had.filter(Boolean).length, 1)
    const ttlMs = await raw.pttl(key)
    assert.ok(ttlMs > 50_000 && ttlMs <= 60_000, `${ttlMs} ms`)
  }
})

test('of what ends by itself the failures are its own: nobody’s other reads are refused', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  await raw.hset('client:damaged', 'f', 'v')
  await until('these are refused', () =>
    client.getExpiring('client:damaged').then(
      () => false,
      (error: Error) => /open/i.test(error.message),
    ),
  )
  for (const call of [
    () => client.setFor('client:refused', 'x', 1_000),
    () => client.claim('client:refused', 1_000),
    () => client.release('client:refused'),
  ]) {
    await assert.rejects(call(), /open/i)
  }
  assert.equal(await client.get('client:nothing'), null)
})

test('a Redis that is full still gives what it has', async (t) => {
  const own = await ownServer(t)
  const client = await connectClient(t, own.url, freshKeys())
  const there = connectRaw(t, own.url)
  await client.setFor('client:full', 'x', 60_000)
  await there.config('SET', 'maxmemory', '1')
  for (let n = 0; n < 20; n += 1) {
    await assert.rejects(client.claim(`client:full:${n}`, 1_000), /OOM/)
    await assert.rejects(client.setFor(`client:full:${n}`, 'x', 1_000), /OOM/)
  }
  assert.deepEqual([await client.getExpiring('client:full'), await client.get('client:none')], ['x', null])
})

test('bytes come back as they went in', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const put: LuaScript = { name: 'put', source: 'return redis.call("HSET", KEYS[1], "b", ARGV[1])' }
  const get: LuaScript = { name: 'get', source: 'return redis.call("HMGET", KEYS[1], "b", "c")' }
  await client.run(put, ['client:bytes'], [bytes])
  assert.deepEqual(await client.hmget('client:bytes', 'b', 'c'), [bytes, null])
  assert.deepEqual(await client.readBuffers(get, ['client:bytes']), [bytes, null])
})

test('ranges begin after the given place and hold at most so many', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  await raw.zadd('client:ids', ...[5, 1, 30, 200].flatMap((id) => [id, String(id)]))
  assert.deepEqual(await client.zrangeByScore('client:ids', 1, 2), ['5', '30'])
  assert.deepEqual(await client.zrangeByScore('client:ids', 200, 2), [])
  await raw.zadd('client:names', 0, 'b', 0, 'a', 0, 'ab', 0, 'ac\u{10ffff}')
  const lex = await client.zrangeByLex('client:names', Buffer.from('(a'), Buffer.from([...Buffer.from('[a'), 0xff]), 5)
  assert.deepEqual(lex.map(String), ['ab', 'ac\u{10ffff}'])
})

test('a set larger than the caller can take gives so many members of it, and shows that there are more', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  await raw.sadd('client:set', '1', '2', '3', '4')
  assert.deepEqual((await client.smembers('client:set', 4)).sort(), ['1', '2', '3', '4'])
  const some = await client.smembers('client:set', 3)
  assert.equal(new Set(some).size, 3)
  assert.deepEqual(await client.smembers('client:none', 3), [])
})

test('all keys of a pattern are handed over, some at a time, and no others', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  const many = Array.from({ length: 2_500 }, (_, i) => `client:many:${i}`)
  await raw.mset(...many.flatMap((key) => [key, 'x']), 'client:other', 'x')
  const seen = new Set<string>()
  const sizes: number[] = []
  let visiting = 0
  await client.scan('client:many:*', async (found) => {
    visiting += 1
    assert.equal(visiting, 1, 'the next are fetched when these have been dealt with')
    sizes.push(found.length)
    for (const key of found) seen.add(key)
    await client.get('x')
    visiting -= 1
  })
  assert.deepEqual([...seen].sort(), many.sort())
  assert.ok(Math.max(...sizes) < 2_500)
  await assert.rejects(
    client.scan('client:*', () => Promise.reject(new Error('enough'))),
    /enough/,
  )
  await client.scan('client:nothing:*', () => assert.fail('called for nothing'))
})

test('calls of one turn travel together', async (t) => {
  const client = await connectClient(t, server.url, freshKeys())
  const readEvents = async () => Number(/^total_reads_processed:(\d+)/m.exec(await raw.info('stats'))?.[1])
  const before = await readEvents()
  await Promise.all(Array.from({ length: 200 }, (_, i) => client.get(`client:get:${i}`)))
  // INFO itself is one read, and the client may look at the incarnation meanwhile.
  assert.ok((await readEvents()) - before < 20)
})

test('a silent Redis ends every call within the time that the client waits, and it is found again', async (t) => {
  const own = await ownServer(t)
  const keys = freshKeys()
  const client = await connectClient(t, own.url, keys, { commandTimeoutMs: SILENCE_MS })
  const runId = client.runId(keys.home.inc)
  await client.set(keys.home.inc, `abc.${runId}`)
  await client.refreshIncarnation(keys.home.inc)
  signal(own.pid, 'SIGSTOP')
  const startedAt = performance.now()
  const calls = await Promise.allSettled([
    client.get('x'),
    client.hmget('x', 'v'),
    client.run(ECHO, ['k'], ['v']),
    client.readBuffers(READ, ['k']),
  ])
  const tookMs = performance.now() - startedAt
  assert.deepEqual(
    calls.map(({ status }) => status),
    Array(4).fill('rejected'),
  )
  assert.ok(tookMs < SILENCE_MS + MARGIN_MS, `took ${tookMs} ms`)
  assert.equal(client.incarnation(keys.home.inc), null, 'what such a connection said is not believed any more')
  assert.equal(client.runId(keys.home.inc), null)
  signal(own.pid, 'SIGCONT')
  await until('the client believes again', async () => client.incarnation(keys.home.inc) === `abc.${runId}`)
  assert.deepEqual(await client.run(ECHO, ['k'], ['v']), ['k', 'v'])
})

test('a script that a reader waits for has the deadline of reads; a writer’s has not', async (t) => {
  const own = await ownServer(t)
  const client = await connectClient(t, own.url, freshKeys(), { readDeadlineMs: 50 })
  signal(own.pid, 'SIGSTOP')
  const written = client.run(ECHO, ['k'], ['written'])
  await assert.rejects(client.runForReader(ECHO, ['k'], ['read']), /Timed out/)
  for (const call of [
    () => client.getExpiring('client:late'),
    () => client.setFor('client:late', 'x', 1_000),
    () => client.claim('client:late', 1_000),
    () => client.release('client:late'),
  ]) {
    await assert.rejects(call(), /Timed out/)
  }
  signal(own.pid, 'SIGCONT')
  assert.deepEqual(await written, ['k', 'written'])
})

test('an idle connection is not taken for a silent one', async (t) => {
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys, { commandTimeoutMs: 60 })
  await raw.set(keys.home.inc, `abc.${client.runId(keys.home.inc)}`)
  await client.refreshIncarnation(keys.home.inc)
  const ownId = async () => (await raw.client('LIST')) as string
  const connections = (await ownId()).split('\n').length
  const idleSince = performance.now()
  await until('three times the allowed silence has passed', async () => performance.now() - idleSince > 180)
  assert.ok(client.isReady())
  assert.notEqual(client.incarnation(keys.home.inc), null)
  assert.equal((await ownId()).split('\n').length, connections)
})

test('while Redis is away calls fail at once, and nothing of them is sent later', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const keys = freshKeys()
  const client = await connectClient(t, own.url, keys)
  await own.stop()
  await until('the client has noticed', async () => !client.isReady())
  const startedAt = performance.now()
  const calls = await Promise.allSettled([client.set('late', 'x'), client.get('x'), client.run(ECHO, ['k'], ['v'])])
  assert.deepEqual(
    calls.map(({ status }) => status),
    Array(3).fill('rejected'),
  )
  assert.ok(performance.now() - startedAt < SILENCE_MS)
  assert.equal(client.incarnation(keys.home.inc), null)

  const again = await startTestRedis({ port: own.port })
  t.after(() => again.stop())
  await until('the client is back', async () => client.isReady())
  await client.set('now', 'y')
  assert.equal(await client.get('late'), null)
})

test('a command whose answer was lost is not sent twice', async (t) => {
  const own = await ownServer(t)
  const client = await connectClient(t, own.url, freshKeys(), { commandTimeoutMs: SILENCE_MS })
  const seen = connectRaw(t, own.url)
  await seen.ping()
  const push: LuaScript = { name: 'push', source: 'return redis.call("RPUSH", KEYS[1], ARGV[1])' }
  await client.run(push, ['list'], ['loaded'])
  signal(own.pid, 'SIGSTOP')
  await assert.rejects(client.run(push, ['list'], ['once']))
  signal(own.pid, 'SIGCONT')
  await until('the client is back', async () => client.isReady())
  await client.run(push, ['list'], ['after'])
  const items = await seen.lrange('list', 0, '-1')
  assert.ok(items.filter((item) => item === 'once').length <= 1)
  assert.equal(items.at(-1), 'after')
})

test('a client that cannot connect does not reject its start, and close ends it', async () => {
  const gone = await startTestRedis()
  await gone.stop()
  const warned: string[] = []
  const log = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => void warned.push(message) }
  const client = redisClient({
    url: gone.url,
    incKeys: ['inc'],
    confirm: async () => true,
    readDeadlineMs: 50,
    commandTimeoutMs: 50,
    connectTimeoutMs: 50,
    log,
  })
  await until('it has tried', async () => warned.length > 0)
  assert.equal(client.isReady(), false)
  await assert.rejects(client.get('x'))
  assert.deepEqual(warned, ['Redis is out of reach'])
  await client.close()
})
