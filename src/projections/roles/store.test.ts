import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import { readModelKeys } from '../keys.ts'
import { roleViews } from './store.ts'

const INC = 'first.run'
const keys = readModelKeys('roles')

/** The catalogue over a Redis in which this stands, and a database that is a version further. */
function start(body: string) {
  const redis = {
    incarnation: () => INC,
    refreshIncarnation: async () => INC,
    get: async () => INC,
    hmget: async (_key: string, ...fields: string[]) => fields.map((field) => Buffer.from(field === 'v' ? '3' : body)),
    run: async () => 'older',
  } as unknown as ReadModelRedis
  const truth = { roles: async () => ({ version: 4, roles: [], settled: true }) } as unknown as Truth
  return roleViews({
    ...{ redis, keys, truth, schemas: { others: async () => [] } },
    freshness: { isOld: () => false },
    floor: { roles: () => 0 },
  })
}

test('what stands there and is a list is the catalogue', async () => {
  assert.deepEqual(await start('[]').catalogue(), { version: 3, roles: [], from: 'redis' })
})

for (const damage of ['null', '{}', '7', '{']) {
  test(`what stands there and is no catalogue (${damage}) is read from the database, each time`, async () => {
    const { catalogue } = start(damage)
    for (let times = 0; times < 2; times += 1)
      assert.deepEqual(await catalogue(), { version: 4, roles: [], from: 'database' })
  })
}
