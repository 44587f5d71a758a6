import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many, someUser } from '../../../test/support/users.ts'
import { DomainError } from '../../domain/errors.ts'
import type { User } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import { readModelKeys } from '../keys.ts'
import { projectUser } from '../user/project.ts'
import type { UserViews } from '../user/views.ts'
import { everybody } from './indexes.ts'
import { lists } from './lists.ts'

const INC = 'first.run'
const keys = readModelKeys('lists')

type Given = { redis?: Partial<ReadModelRedis>; views?: Partial<UserViews>; isOld?: boolean }
/** Everybody's list over a Redis that holds users 1 to 3, but for what the test has it say. */
function start({ redis: given = {}, views: givenViews = {}, isOld = false }: Given) {
  const redis = {
    runId: () => 'run',
    incarnation: () => INC,
    refreshIncarnation: async () => INC,
    get: async (key: string) => (key === keys.home.built ? INC : null),
    smembers: async () => [],
    zrangeByScore: async (_key: string, above: number) => ['1', '2', '3'].filter((id) => Number(id) > above),
    ...given,
  } as unknown as ReadModelRedis
  const shown = (user: User) => ({ ...projectUser(user), from: 'redis' as const })
  const views = {
    byIds: async (ids: number[]) => ids.map((id) => shown(someUser({ id }))),
    truths: async () => [],
    ...givenViews,
  } as unknown as UserViews
  const { page } = lists({ redis, keys, views, freshness: { isOld: () => isOld } })
  return (limit = 10) => page(everybody({ redis, keys }), 0, limit, () => true)
}
const idsOf = ({ users }: { users: { userId: number }[] }) => users.map(({ userId }) => userId)

test('the whole of it, and a page at a time', async () => {
  const page = start({})
  assert.deepEqual(idsOf(await page()), [1, 2, 3])
  const { users, nextAfter } = await page(2)
  assert.deepEqual([users.length, nextAfter], [2, 2])
})

for (const [fault, given] of [
  ['redis', { redis: { runId: () => null } }],
  ['feed', { isOld: true }],
  ['unbuilt', { redis: { incarnation: () => null } }],
  ['unbuilt', { redis: { get: async () => null } }],
  ['ahead', { redis: { get: async (key: string) => (key === keys.home.ahead ? INC : null) } }],
  ['dirty', { redis: { smembers: async () => many(501, (i) => String(i + 1)) } }],
  ['damaged', { redis: { zrangeByScore: async () => ['1', 'somebody'] } }],
  ['redis', { redis: { zrangeByScore: () => Promise.reject(new Error('Command timed out')) } }],
] as [string, Given][]) {
  test(`an index is not used, and it is said why: ${fault} (${Object.keys(given.redis ?? given)})`, async () => {
    await assert.rejects(start(given)(), { name: 'IndexUnusable', fault })
  })
}

test('a database that does not answer is not the fault of the index', async () => {
  const error = new DomainError('busy', 'Too many reads of the database are waiting.')
  await assert.rejects(start({ views: { byIds: () => Promise.reject(error) } })(), error)
})

test('whoever is not projected yet is shown as the truth has them, once, and not at all when they are gone', async () => {
  const renamed = someUser({ id: 2, givenName: 'Anna', version: 6 })
  const asked: number[][] = []
  const page = start({
    redis: { smembers: async () => ['2', '3', 'nobody'] },
    views: {
      byIds: async (ids) => {
        asked.push(ids)
        return ids.map((id) => ({ ...projectUser(someUser({ id })), from: 'redis' as const }))
      },
      truths: async (ids) =>
        ids.map((userId) => ({ userId, version: 6, user: userId === 2 ? renamed : null, settled: true })),
    },
  })
  const { users } = await page()
  assert.deepEqual(
    users.map(({ userId, version, from }) => [userId, version, from]),
    [
      [1, 5, 'redis'],
      [2, 6, 'database'],
    ],
  )
  assert.deepEqual(asked, [[1]])
})
