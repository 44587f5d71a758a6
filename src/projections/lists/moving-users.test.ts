import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import type { User } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import { readModelKeys } from '../keys.ts'
import { projectUser } from '../user/project.ts'
import type { UserViews } from '../user/views.ts'
import { IndexUnusable } from './index-unusable.ts'
import { roster } from './indexes.ts'
import { type Lists, lists } from './lists.ts'
import { userLists } from './user-lists.ts'

const stays = someUser({ id: 1, familyName: 'Lee', branches: ['B001'] })
/** Found as a Lee at B001, and changed before the body was read. */
const moved = someUser({ id: 2, familyName: 'Noble', branches: ['B002'] })

const noRedis = {} as ReadModelRedis
const keys = readModelKeys('moving')

function shown(user: User) {
  const { userId, version, bodies } = projectUser(user)
  return { userId, version, bodies, from: 'redis' as const }
}
const idsOf = ({ users }: { users: { userId: number }[] }) => users.map(({ userId }) => userId)

test('a roster from the database leaves out who moved between the two reads', async () => {
  const truth = {
    userIds: async () => [1, 2],
    users: async () => [stays, moved].map((user) => ({ userId: user.id, version: user.version, user, settled: true })),
  } as unknown as Truth
  const pages: Lists = { page: () => Promise.reject(new IndexUnusable('unbuilt')) }
  const filter = { branchId: 'B001', role: null, status: 'active', q: null } as const
  assert.deepEqual(idsOf(await userLists({ redis: noRedis, keys, truth, pages }).list(filter, null, 10)), [1])
})

test('a search leaves out who was renamed between index and body', async () => {
  const pages: Lists = {
    page: async (_index, _after, _limit, matches) => ({
      users: [stays, moved].map(shown).filter(matches),
      nextAfter: null,
    }),
  }
  const filter = { branchId: null, role: null, status: null, q: 'LEE' } as const
  assert.deepEqual(
    idsOf(await userLists({ redis: noRedis, keys, truth: {} as Truth, pages }).list(filter, null, 10)),
    [1],
  )
})

test('an index that is emptied between `built` and its reading gives no page', async () => {
  let emptied = false
  const redis = {
    runId: () => 'run',
    incarnation: () => 'first.run',
    refreshIncarnation: async () => null,
    get: async () => (emptied ? null : 'first.run'),
    smembers: async () => [],
    zrangeByScore: async () => (emptied ? [] : ['1']),
  } as unknown as ReadModelRedis
  const views = { byIds: async () => [shown(stays)], truths: async () => [] } as unknown as UserViews
  const { page } = lists({ redis, keys, views, freshness: { isOld: () => false } })
  const index = roster({ redis, keys }, 'B001')
  assert.deepEqual(idsOf(await page(index, 0, 10, () => true)), [1])
  const emptying = {
    ...index,
    read: (after: number, limit: number) => {
      emptied = true
      return index.read(after, limit)
    },
  }
  await assert.rejects(
    page(emptying, 0, 10, () => true),
    { name: 'IndexUnusable', fault: 'lost' },
  )
})
