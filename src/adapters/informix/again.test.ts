import assert from 'node:assert/strict'
import { test } from 'node:test'
import { again, MAX_ATTEMPTS } from './again.ts'
import { deadlineIn } from './connection.ts'

const LATER_MS = 60_000
const SOON_MS = 5
const UNDONE = new Error('undone')

/** When it was begun; it is undone until the `last` time. */
async function begun(limitMs: number, last = Number.POSITIVE_INFINITY, mayRepeat = (_error: unknown) => true) {
  const times: number[] = []
  const work = async () => {
    times.push(performance.now())
    if (times.length < last) throw UNDONE
    return 'done'
  }
  const answer = await again(work, mayRepeat, deadlineIn(limitMs)).catch((error) => error)
  return { answer, times }
}

test('it begins again a few times, after pauses that may be twice as long each time, and not all alike', async (t) => {
  const pausesWith = async (random: number) => {
    t.mock.method(Math, 'random', () => random)
    const { answer, times } = await begun(LATER_MS)
    assert.deepEqual([answer, times.length], [UNDONE, MAX_ATTEMPTS])
    return times.slice(1).map((time, i) => time - (times[i] ?? 0))
  }
  const [longest, shortest] = [await pausesWith(0.999), await pausesWith(0.1)]
  for (const [i, pause] of longest.entries()) {
    assert.ok(pause >= 0.9 * 50 * 2 ** i, `${longest}`)
    assert.ok((shortest[i] ?? 0) < pause, `${shortest}`)
  }
})

test('until it is done', async () => {
  const { answer, times } = await begun(LATER_MS, 3)
  assert.deepEqual([answer, times.length], ['done', 3])
})

test('what may not be repeated, or has no time left, is final', async () => {
  const asked: unknown[] = []
  const never = (error: unknown) => asked.push(error) === 0
  for (const [limitMs, mayRepeat] of [
    [LATER_MS, never],
    [0, undefined],
  ] as const) {
    const { answer, times } = await begun(limitMs, undefined, mayRepeat)
    assert.deepEqual([answer, times.length], [UNDONE, 1])
  }
  assert.deepEqual(asked, [UNDONE])
})

test('a pause that takes all the time that is left was the last', async (t) => {
  t.mock.method(Math, 'random', () => 1)
  // A timer may end a part of a millisecond early: when it begins, when it is undone, and when it pauses no time has passed.
  const clock = [0, 0, 0]
  t.mock.method(performance, 'now', () => clock.shift() ?? SOON_MS)
  assert.equal((await begun(SOON_MS)).times.length, 1)
})
