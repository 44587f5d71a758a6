import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choosePeople, scattered } from './people.ts'
import type { Query } from './stage.ts'

const ofMany =
  (count: number): Query =>
  () =>
    Array.from({ length: count }, (_, i) => ({
      user_id: i + 1,
      username: `user.${i + 1}`,
      status: i % 10 === 9 ? 'terminated' : 'active',
      home_branch_id: i % 7 === 6 ? null : 'B002',
    })) as never

test('no case disturbs another’s users', () => {
  for (const users of [5_000, 100_000]) {
    const { hot, written, missed } = choosePeople({ users, query: ofMany(users) })
    const all = [...hot.map(({ userId }) => userId), ...written, ...missed]
    assert.equal(new Set(all).size, all.length)
    assert.equal(hot.length, users === 100_000 ? 2_000 : 500)
    assert.ok(written.length > 0.3 * users && missed.length > 0.5 * users)
  }
})

test('only active users are written, because others can’t be', () => {
  const { written } = choosePeople({ users: 5_000, query: ofMany(5_000) })
  assert.ok(written.every((userId) => userId % 10 !== 0))
})

test('scattered: the same values, each once, not in order, the same each time', () => {
  for (const count of [0, 1, 2, 3, 10, 2_000, 58_800]) {
    const values = Array.from({ length: count }, (_, i) => i)
    const out = scattered(values)
    assert.deepEqual(
      out.toSorted((a, b) => a - b),
      values,
      String(count),
    )
    assert.deepEqual(scattered(values), out)
    if (count > 9) assert.notDeepEqual(out, values)
  }
})
