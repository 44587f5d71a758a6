import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_ATTEMPTS, mayBeginAgain } from './again.ts'
import { deadlineIn, msUntil } from './connection.ts'

const LATER_MS = 60_000

test('it begins again a few times, after pauses that may be twice as long each time, and not all alike', async (t) => {
  const pauses: number[] = []
  for (const random of [0.999, 0.1]) {
    t.mock.method(Math, 'random', () => random)
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
      const deadline = deadlineIn(LATER_MS)
      assert.equal(await mayBeginAgain(attempt, deadline), true)
      pauses.push(LATER_MS - msUntil(deadline))
    }
  }
  const [longest, shortest] = [pauses.slice(0, MAX_ATTEMPTS - 1), pauses.slice(MAX_ATTEMPTS - 1)]
  for (const [i, pause] of longest.entries()) {
    assert.ok(pause >= 0.9 * 50 * 2 ** i, `${longest}`)
    assert.ok((shortest[i] ?? 0) < pause, `${shortest}`)
  }
})

test('not more often, and not without time', async () => {
  assert.equal(await mayBeginAgain(MAX_ATTEMPTS, deadlineIn(LATER_MS)), false)
  assert.equal(await mayBeginAgain(1, deadlineIn(0)), false)
})

test('a pause that takes all the time that is left was the last', async (t) => {
  t.mock.method(Math, 'random', () => 1)
  // Less than the millisecond that a pause lasts at least, which may be short of a part of one.
  assert.equal(await mayBeginAgain(MAX_ATTEMPTS - 1, deadlineIn(0.5)), false)
})
