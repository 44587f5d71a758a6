import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectClient, freshKeys, redisOfFile } from '../../../test/support/read-models.ts'
import { quiet } from '../../../test/support/service.ts'
import { foreignKey } from '../keys.ts'
import { mendingTypes } from './damage.ts'

const { server, raw } = await redisOfFile()

async function stage(t: Parameters<typeof connectClient>[0], partitions = 7) {
  const keys = freshKeys(partitions)
  const client = await connectClient(t, server.url, keys)
  let dropped = 0
  const onDropped = (count: number) => {
    dropped += count
  }
  return { keys, redis: mendingTypes(client, { log: quiet, onDropped }), dropped: () => dropped }
}

test('an index of another type takes the incarnation of its partition along, and of no other', async (t) => {
  const { keys, redis, dropped } = await stage(t)
  const { ids, inc } = keys.of(3)
  const other = keys.of(4).inc
  await raw.mset(inc, 'i.run', other, 'i.run', ids, 'text')
  assert.deepEqual(await redis.zrangeByScore(ids, 0, 10), [])
  assert.deepEqual(await raw.mget(inc, other, ids), [null, 'i.run', null])
  assert.equal(dropped(), 1)
})

test('an entry, or a hint, goes alone', async (t) => {
  const { keys, redis, dropped } = await stage(t)
  const { inc, user } = keys.of(3)
  const hint = keys.username('ann.{brace}')
  await raw.mset(inc, 'i.run', user(3), 'text')
  await raw.rpush(hint, 'a')
  assert.deepEqual(await redis.hmget(user(3), 'v'), [null])
  assert.equal(await redis.get(hint), null)
  assert.equal(await raw.get(inc), 'i.run')
  assert.equal(dropped(), 2)
})

test('a copy of what another service says goes alone', async (t) => {
  const { keys, redis, dropped } = await stage(t)
  const { inc } = keys.of(3)
  const copy = foreignKey('branch', 1, keys.epoch)
  await raw.set(inc, 'i.run')
  await raw.hset(copy, 'a', '1')
  assert.equal(await redis.getExpiring(copy), null)
  assert.deepEqual([await raw.exists(copy), await raw.get(inc)], [0, 'i.run'])
  assert.equal(dropped(), 1)
})

test('of the keys of one call, those that are right stay', async (t) => {
  const { keys, redis, dropped } = await stage(t)
  const { dirty, ghosts, user } = keys.of(3)
  await raw.sadd(dirty, '9')
  await raw.zadd(ghosts, 1, '8')
  await raw.set(user(3), 'text')
  const script = { name: 'a', source: "redis.call('SMEMBERS', KEYS[1]) return redis.call('HGETALL', KEYS[3])" }
  assert.deepEqual(await redis.run(script, [dirty, ghosts, user(3)], []), [])
  assert.deepEqual([await raw.smembers(dirty), await raw.zrange(ghosts, '0', '-1')], [['9'], ['8']])
  assert.equal(dropped(), 1)
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
