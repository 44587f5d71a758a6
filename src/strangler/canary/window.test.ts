import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketIndex } from '../evidence/latency.ts'
import { SLOT_MS, slidingWindow, WINDOW_SLOTS } from './window.ts'

function start() {
  let nowMs = 1_000_000
  return {
    window: slidingWindow(() => nowMs),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('it sums what was counted in its time, by side', () => {
  const { window, pass } = start()
  window.answered('legacy', false, 10)
  window.answered('native', true, 3)
  pass(SLOT_MS)
  window.answered('native', false, 3)
  window.compared('equal')
  window.compared('mismatch')
  const { legacy, native, compared, mismatched } = window.sum()
  assert.deepEqual([legacy.requests, legacy.failed, legacy.buckets[bucketIndex(10)]], [1, 0, 1])
  assert.deepEqual([native.requests, native.failed, native.buckets[bucketIndex(3)]], [2, 1, 2])
  assert.deepEqual([compared, mismatched], [2, 1])
})

test('what came to no result was not compared; noise and races were', () => {
  const { window } = start()
  for (const outcome of ['failed', 'dropped', 'noise', 'race'] as const) window.compared(outcome)
  assert.deepEqual([window.sum().compared, window.sum().mismatched], [2, 0])
})

test('what is older than the window is forgotten, slot by slot, also while nothing is counted', () => {
  const { window, pass } = start()
  window.answered('native', false, 1)
  pass((WINDOW_SLOTS / 2) * SLOT_MS)
  window.answered('native', false, 1)
  pass((WINDOW_SLOTS / 2 - 1) * SLOT_MS)
  assert.equal(window.sum().native.requests, 2)
  pass(SLOT_MS)
  assert.equal(window.sum().native.requests, 1)
  pass(WINDOW_SLOTS * SLOT_MS)
  assert.equal(window.sum().native.requests, 0)
})

test('cleared, it begins anew', () => {
  const { window } = start()
  window.answered('native', true, 1)
  window.clear()
  assert.equal(window.sum().native.requests, 0)
  window.answered('native', false, 1)
  assert.deepEqual([window.sum().native.requests, window.sum().native.failed], [1, 0])
})
