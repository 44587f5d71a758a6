import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { manualClock } from '../../../test/support/manual-clock.ts'
import { realClock, waiter } from './waiter.ts'

const WAIT_MS = 100

function stage({ waitMs = WAIT_MS } = {}) {
  const clock = manualClock()
  const away = new AbortController()
  const told: string[] = []
  const one = waiter({ untilMs: clock.now() + waitMs, signal: away.signal, requestId: 'r1', trace: {} }, clock)
  const callOff = one.onLeave((why) => void told.push(why))
  const left = () => [one.left(), told, clock.pending(), getEventListeners(away.signal, 'abort').length]
  return { clock, away, told, one, callOff, left }
}

test('somebody waits until their time is over, and is told once', () => {
  const { clock, away, one, left } = stage()
  clock.advance(WAIT_MS - 1)
  assert.deepEqual(left(), [null, [], 1, 1])
  clock.advance(1)
  assert.deepEqual(left(), ['timeout', ['timeout'], 0, 0])
  away.abort()
  one.leave('cancelled')
  assert.deepEqual(left(), ['timeout', ['timeout'], 0, 0])
})

test('who goes away is told at once', () => {
  const { away, left } = stage()
  away.abort()
  assert.deepEqual(left(), ['cancelled', ['cancelled'], 0, 0])
})

test('who has what they waited for leaves nothing behind, and is told nothing any more', () => {
  const { clock, away, one, left } = stage()
  one.end()
  assert.deepEqual(left(), [null, [], 0, 0])
  away.abort()
  clock.advance(WAIT_MS)
  assert.deepEqual(left(), [null, [], 0, 0])
})

test('who comes too late, or has gone already, never waits', () => {
  assert.deepEqual(stage({ waitMs: 0 }).left(), ['timeout', [], 0, 0])
  assert.deepEqual(stage({ waitMs: -5 }).left(), ['timeout', [], 0, 0])
  const signal = AbortSignal.abort()
  const clock = manualClock()
  assert.equal(waiter({ untilMs: clock.now() + 5, signal, requestId: '', trace: {} }, clock).left(), 'cancelled')
  assert.equal(clock.pending(), 0)
})

test('what was called off is not called', () => {
  const { callOff, away, told } = stage()
  callOff()
  away.abort()
  assert.deepEqual(told, [])
})

test('a promise is waited for only as long as they wait', async () => {
  const { clock, one } = stage()
  assert.equal(await one.unlessLeft(Promise.resolve('in time')), 'in time')
  const late = Promise.withResolvers<string>()
  const waited = one.unlessLeft(late.promise)
  clock.advance(WAIT_MS)
  assert.equal(await waited, null)
  late.resolve('late')
  assert.equal(await one.unlessLeft(late.promise), null)
})

test('the real clock calls back, not for what was called off, and not at once for what is far away', async () => {
  const calls: string[] = []
  realClock.after(0, () => calls.push('called off'))()
  const callOff = realClock.after(Number.POSITIVE_INFINITY, () => calls.push('far away'))
  await new Promise<void>((resolve) => realClock.after(5, resolve))
  callOff()
  assert.deepEqual(calls, [])
})
