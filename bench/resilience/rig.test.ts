import assert from 'node:assert/strict'
import { test } from 'node:test'
import { profileQuestions, STALE_MS } from './rig.ts'

const USERS = Array.from({ length: 17_000 }, (_, i) => i + 1)

test('every other profile is of a user asked for every 6 s; the others come round when their copies are gone', () => {
  const asked = profileQuestions(USERS, 200, { authorization: 'Bearer x' }).map(({ request }) =>
    Number(/users\/(\d+)/.exec(request)?.[1]),
  )
  const gaps = new Map<number, number[]>()
  const last = new Map<number, number>()
  for (const [i, userId] of [...asked, ...asked].entries()) {
    const before = last.get(userId)
    if (before !== undefined) gaps.set(userId, [...(gaps.get(userId) ?? []), (i - before) / 200])
    last.set(userId, i)
  }
  const [regular, rare] = [
    asked.filter((_, i) => i % 2 === 0).flatMap((userId) => gaps.get(userId) ?? []),
    asked.filter((_, i) => i % 2 === 1).flatMap((userId) => gaps.get(userId) ?? []),
  ]
  assert.deepEqual([...new Set(regular)], [6])
  const [every, ...others] = new Set(rare)
  assert.ok(every !== undefined && every * 1_000 > STALE_MS && others.length === 0)
})

test('a rate at which they would come round too soon is refused', () => {
  assert.throws(() => profileQuestions(USERS, 600, { authorization: 'Bearer x' }), /too few users/)
})
