import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExpiringKeys, ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { readModelKeys } from '../keys.ts'
import { mendingTypes } from './damage.ts'

const keys = readModelKeys('damage')
const WRONG = new Error('WRONGTYPE Operation against a key holding the wrong kind of value')

/** A Redis whose first `get` fails, by another type there if nothing else is said; what others have left to drop is `left`. */
function start(left: number, fault: unknown = WRONG) {
  const told: string[] = []
  const dropped: number[] = []
  let gets = 0
  const ignore = () => undefined
  const log: Log = { debug: ignore, info: ignore, warn: ignore, error: (_, text) => void told.push(text) }
  const redis = {
    get: async () => {
      gets += 1
      if (gets === 1) throw fault
      return null
    },
    run: async () => left,
  } as unknown as ReadModelRedis & ExpiringKeys
  return {
    redis: mendingTypes(redis, { log, onDropped: (count) => void dropped.push(count) }),
    told,
    dropped,
    gets: () => gets,
  }
}

test('what another caller has dropped already is told, and counted, by that one only', async () => {
  const second = start(0)
  assert.equal(await second.redis.get(keys.home.mark), null)
  assert.deepEqual([second.told, second.dropped], [[], []])
  const first = start(1)
  assert.equal(await first.redis.get(keys.home.mark), null)
  assert.deepEqual([first.told.length, first.dropped], [1, [1]])
})

for (const fault of [new Error('ERR unknown command'), 'WRONGTYPE, but no error']) {
  test(`a call that fails in another way (${fault}) is not made again`, async () => {
    const { redis, gets, dropped } = start(1, fault)
    await assert.rejects(redis.get(keys.home.mark), (error) => error === fault)
    assert.deepEqual([gets(), dropped], [1, []])
  })
}
