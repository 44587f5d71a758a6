import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, knowledge } from './knowledge.ts'
import { timeline } from './timeline.ts'

const BOUNDS = { nearMs: 100, feedMs: 1_000, anyMs: 30_000 }
const asked = (differing: Partial<Asked>): Asked => {
  return { api: 'api-1', sentAtMs: 10_000, near: false, minVersion: 0, saidStale: false, ...differing }
}

test('an own command must be shown at once; by another’s near cache after its bound, with Min-Version at once', () => {
  const known = knowledge(() => BOUNDS, timeline())
  known.learn(1, { version: 7, atMs: 9_950, by: 'api-2', visible: true })
  assert.equal(known.floor(1, asked({})), 7)
  assert.equal(known.floor(1, asked({ near: true })), 0)
  assert.equal(known.floor(1, asked({ near: true, api: 'api-2' })), 7)
  assert.equal(known.floor(1, asked({ near: true, minVersion: 7 })), 7)
  assert.equal(known.floor(1, asked({ near: true, sentAtMs: 10_100 })), 7)
  assert.equal(known.floor(1, asked({ sentAtMs: 9_000 })), 0, 'asked before it was acknowledged')
  assert.equal(known.floor(2, asked({})), 0, 'somebody else')
})

test('a foreign write must be shown when its change row is gone, or after a calm bound, or after the longest one', () => {
  const times = timeline()
  const known = knowledge(() => BOUNDS, times)
  const ack = { version: 7, atMs: 9_000, by: null, visible: false }
  known.learn(1, ack)
  assert.equal(known.floor(1, asked({ sentAtMs: 9_900 })), 0)
  assert.equal(known.floor(1, asked({ sentAtMs: 10_100 })), 7)
  const fault = times.begin('FLUSHALL', 9_100)
  assert.equal(known.floor(1, asked({ sentAtMs: 10_100 })), 0, 'a fault is on')
  assert.equal(known.floor(1, asked({ sentAtMs: 39_100 })), 7)
  assert.equal(known.floor(1, asked({ sentAtMs: 39_100, saidStale: true })), 0, 'it says so itself')
  fault.toMs = 20_000
  assert.equal(known.floor(1, asked({ sentAtMs: 20_800 })), 0)
  assert.equal(known.floor(1, asked({ sentAtMs: 21_000 })), 7)
  Object.assign(ack, { handledAtMs: 9_500 })
  assert.equal(known.floor(1, asked({ sentAtMs: 9_600 })), 7, 'handled, whatever fault is on')
  assert.equal(known.floor(1, asked({ sentAtMs: 9_600, near: true })), 0)
})

test('a command that answers `visibility: pending` is shown like a foreign write', () => {
  const known = knowledge(() => BOUNDS, timeline())
  known.learn(1, { version: 7, atMs: 9_900, by: 'api-1', visible: false })
  assert.equal(known.floor(1, asked({})), 0)
  assert.equal(known.floor(1, asked({ sentAtMs: 11_000 })), 7)
})

test('acknowledgements may come in any order', () => {
  const known = knowledge(() => BOUNDS, timeline())
  for (const version of [8, 9, 7]) known.learn(1, { version, atMs: 100, by: 'api-1', visible: true })
  assert.equal(known.floor(1, asked({})), 9)
  assert.equal(known.newest(1), 9)
})
