import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectClient, freshKeys, redisOfFile } from '../../../test/support/read-models.ts'
import { quiet } from '../../../test/support/service.ts'
import { foreignKey, type Keys } from '../keys.ts'
import { mendingTypes } from './damage.ts'

const { server, raw } = await redisOfFile()

async function stage(t: Parameters<typeof connectClient>[0], partitions = 12) {
  const keys = freshKeys(partitions)
  const client = await connectClient(t, server.url, keys)
  let dropped = 0
  const onDropped = (count: number) => {
    dropped += count
  }
  return { keys, redis: mendingTypes(client, { log: quiet, onDropped }), dropped: () => dropped }
}

type Type = 'string' | 'hash' | 'set' | 'zset'
type Staged = Awaited<ReturnType<typeof stage>>
/** Of two digits, as are the partitions' number. */
const PARTITION = 10
/** What is kept where; `all`: without it a partition begins anew. */
const PLACES: { what: string; type: Type; goes: 'alone' | 'all'; key(keys: Keys): string }[] = [
  { what: 'an entry', type: 'hash', goes: 'alone', key: (keys) => keys.user(PARTITION) },
  { what: 'a lease', type: 'string', goes: 'alone', key: (keys) => keys.of(PARTITION).lease(PARTITION) },
  { what: 'a hint', type: 'string', goes: 'alone', key: (keys) => keys.username('ann.{brace}') },
  { what: 'a copy', type: 'string', goes: 'alone', key: ({ epoch }) => foreignKey('branch', 1, epoch) },
  { what: 'the roles', type: 'hash', goes: 'alone', key: ({ roles }) => roles },
  { what: 'the tally', type: 'hash', goes: 'alone', key: ({ tally }) => tally },
  { what: 'the schemas', type: 'hash', goes: 'alone', key: ({ schemas }) => schemas },
  { what: 'the ghosts', type: 'zset', goes: 'alone', key: (keys) => keys.of(PARTITION).ghosts },
  { what: 'the mark', type: 'string', goes: 'alone', key: (keys) => keys.of(PARTITION).mark },
  { what: 'built', type: 'string', goes: 'alone', key: (keys) => keys.of(PARTITION).built },
  { what: 'ahead', type: 'string', goes: 'alone', key: (keys) => keys.of(PARTITION).ahead },
  { what: 'who is fenced', type: 'set', goes: 'all', key: (keys) => keys.of(PARTITION).dirty },
  { what: 'a roster', type: 'zset', goes: 'all', key: (keys) => keys.of(PARTITION).branch('D1') },
  { what: 'the names', type: 'zset', goes: 'all', key: (keys) => keys.of(PARTITION).names },
  { what: 'the ids', type: 'zset', goes: 'all', key: (keys) => keys.of(PARTITION).ids },
]
const WRITE: Record<Type, (key: string) => Promise<unknown>> = {
  string: (key) => raw.set(key, 'x'),
  hash: (key) => raw.hset(key, 'x', 'x'),
  set: (key) => raw.sadd(key, 'x'),
  zset: (key) => raw.zadd(key, 1, 'x'),
}
/** Every way in which a key is read by its type alone, and what is read of nothing. */
const READ: Record<Type, ((redis: Staged['redis'], key: string) => Promise<unknown>)[]> = {
  string: [(redis, key) => redis.get(key), (redis, key) => redis.getExpiring(key)],
  hash: [(redis, key) => redis.hgetall(key), (redis, key) => redis.hmget(key, 'x')],
  set: [(redis, key) => redis.smembers(key, 10)],
  zset: [
    (redis, key) => redis.zrangeByScore(key, 0, 10),
    (redis, key) => redis.zrangeByLex(key, Buffer.from('-'), Buffer.from('+'), 10),
  ],
}

for (const { what, type, goes, key } of PLACES) {
  test(`${what}, where it is anything but a ${type}, goes ${goes}`, async (t) => {
    const { keys, redis, dropped } = await stage(t)
    // All that could be taken along; that of the key's own partition, or of the key that is of none.
    const own = key(keys).replace(/(\}:[^:]+:).*$/, '$1inc')
    const incs = [...new Set([own, ...keys.partitions.map(({ inc }) => inc)])].filter((inc) => inc !== key(keys))
    let drops = 0
    for (const read of READ[type]) {
      const nothing = await read(redis, key(keys))
      await raw.mset(Object.fromEntries(incs.map((inc) => [inc, 'i.run'])))
      await raw.rpush(key(keys), 'x')
      assert.deepEqual(await read(redis, key(keys)), nothing)
      drops += 1
      assert.equal(await raw.exists(key(keys)), 0)
      assert.deepEqual(
        await raw.mget(incs),
        incs.map((inc) => (goes === 'all' && inc === own ? null : 'i.run')),
      )
      assert.equal(dropped(), drops)
    }
  })

  test(`${what} stays where another key of the same call is of another type`, async (t) => {
    const { keys, redis, dropped } = await stage(t)
    await WRITE[type](key(keys))
    const damaged = keys.user(PARTITION + 12)
    await raw.set(damaged, 'text')
    // Two keys of different slots, where this is a hint or a copy: one server does not mind.
    const script = { name: 'c', source: "return redis.call('HGETALL', KEYS[2])" }
    assert.deepEqual(await redis.run(script, [key(keys), damaged], []), [])
    assert.deepEqual([await raw.exists(damaged), await raw.type(key(keys)), dropped()], [0, type, 1])
  })
}

test('an incarnation that is no text is none', async (t) => {
  const { keys, redis, dropped } = await stage(t)
  const { inc } = keys.of(PARTITION)
  await raw.rpush(inc, 'x')
  await redis.refreshIncarnation(inc)
  assert.deepEqual([await raw.exists(inc), redis.incarnation(inc), dropped()], [0, null, 1])
})

test('scripts of readers are run again as well', async (t) => {
  const { keys, redis, dropped } = await stage(t)
  const key = keys.user(PARTITION)
  const script = { name: 'd', source: "#!lua flags=no-writes\nreturn redis.call('HGETALL', KEYS[1])" }
  await raw.set(key, 'text')
  assert.deepEqual(await redis.runForReader(script, [key], []), [])
  await raw.set(key, 'text')
  assert.deepEqual(await redis.readBuffers(script, [key]), [])
  assert.equal(dropped(), 2)
})

test('somebody else’s key is never dropped, and other errors are the caller’s', async (t) => {
  const { redis, dropped } = await stage(t)
  for (const key of ['{usr3}:theirs', '{usr3}:a.1:unheard-of', 'sessions:7', '{usr}:a.1:id:3']) {
    await raw.set(key, 'text')
    await assert.rejects(redis.hgetall(key), /WRONGTYPE/)
    assert.equal(await raw.get(key), 'text')
  }
  await assert.rejects(redis.run({ name: 'b', source: 'return nil + 1' }, [], []), /arithmetic/)
  assert.equal(dropped(), 0)
})
