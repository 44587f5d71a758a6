import assert from 'node:assert/strict'
import { test } from 'node:test'
import { profileQuestions, STALE_MS } from './rig.ts'

const USERS = Array.from({ length: 17_000 }, (_, i) => i + 1)

test('every other profile is of a user whose copies are always old; the others come round when theirs are gone', () => {
  const asked = profileQuestions(USERS, 200).map(({ request }) => Number(/users\/(\d+)/.exec(request)?.[1]))
  const gaps = new Map<number, number[]>()
  const last = new Map<number, number>()
  for (const [i, userId] of [...asked, ...asked].entries()) {
    const before = last.get(userId)
    if (before !== undefined) gaps.set(userId, [...(gaps.get(userId) ?? []), (i - before) / 200])
    last.set(userId, i)
  }
  assert.equal(gaps.size, USERS.length)
  const [regular, rare] = [
    asked.filter((_, i) => i % 2 === 0).flatMap((userId) => gaps.get(userId) ?? []),
    asked.filter((_, i) => i % 2 === 1).flatMap((userId) => gaps.get(userId) ?? []),
  ]
  assert.ok(Math.max(...new Set(regular)) <= 2 * 6 && Math.min(...new Set(rare)) * 1_000 > STALE_MS)
})

test('a rate at which they would come round too soon is refused', () => {
  assert.throws(() => profileQuestions(USERS, 600), /too few users/)
})
