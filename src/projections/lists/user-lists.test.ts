import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import { DomainError } from '../../domain/errors.ts'
import { MAX_USER_ID } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { TrueUser, Truth } from '../../ports.ts'
import { readModelKeys } from '../keys.ts'
import { IndexUnusable } from './index-unusable.ts'
import type { Lists } from './lists.ts'
import { userLists } from './user-lists.ts'

const OPEN = { branchId: null, role: null, status: null, q: null }

/** Lists of which the index rejects with this, over a database with these users. */
function start(fault: unknown, found: TrueUser[] = []) {
  const after: number[] = []
  const truth = {
    userIds: async (_filter: unknown, afterId: number) => {
      after.push(afterId)
      return found.map(({ userId }) => userId)
    },
    users: async () => found,
  } as unknown as Truth
  const pages: Lists = { page: () => Promise.reject(fault) }
  const lists = userLists({ redis: {} as ReadModelRedis, keys: readModelKeys('lists'), truth, pages })
  return { ...lists, after }
}

test('an error that is none of the index is told, and nothing is read in its stead', async () => {
  const busy = new DomainError('busy', 'Too many reads of the database are waiting.')
  const { list, after } = start(busy)
  await assert.rejects(list(OPEN, null, 10), busy)
  await assert.rejects(list({ ...OPEN, q: 'lee' }, null, 10), busy)
  assert.deepEqual(after, [])
})

test('without the index a search says why, and other lists come from the database', async () => {
  const { list } = start(new IndexUnusable('unbuilt'), [
    { userId: 7, version: 5, user: someUser(), settled: true },
    { userId: 8, version: 5, user: null, settled: true },
  ])
  await assert.rejects(list({ ...OPEN, q: 'lee' }, null, 10), { name: 'DomainError', code: 'search-unavailable' })
  const { users, from } = await list(OPEN, null, 10)
  // Whoever went between the two reads is not there.
  assert.deepEqual([users.map(({ userId }) => userId), from], [[7], 'database'])
})

test('a cursor that somebody made up goes on nowhere', async () => {
  const { list, after } = start(new IndexUnusable('unbuilt'))
  for (const cursor of ['12', 'x', '-1', '1.5', String(2 ** 60)]) await list(OPEN, cursor, 10)
  assert.deepEqual(after, [12, MAX_USER_ID, MAX_USER_ID, MAX_USER_ID, MAX_USER_ID])
})
