import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Query } from '../stage.ts'
import { spreadPeople } from './sizes.ts'

const ofMany =
  (users: number): Query =>
  (_sql, step) =>
    Array.from({ length: Math.floor(users / Number(step)) }, (_, i) => {
      const userId = (i + 1) * Number(step)
      return { user_id: userId, username: `user.${userId}`, home_branch_id: null }
    }) as never

test('everybody of a few, and as many as ever of many, from the first to the last', () => {
  for (const [users, asked, last] of [
    [1_000, 1_000, 1_000],
    [2_999, 1_499, 2_998],
    [1_000_000, 2_000, 1_000_000],
  ] as const) {
    const ids = spreadPeople({ users, query: ofMany(users) }).map(({ userId }) => userId)
    assert.deepEqual([new Set(ids).size, Math.max(...ids)], [asked, last])
  }
})
