import assert from 'node:assert/strict'
import { test } from 'node:test'
import { availability } from './availability.ts'
import { timeline } from './timeline.ts'

test('calm is the time in which no fault is on', () => {
  const times = timeline()
  times.begin('one', 100).toMs = 200
  times.begin('two', 300)
  assert.equal(times.calmMs(0, 50), 50)
  assert.equal(times.calmMs(0, 250), 150)
  assert.equal(times.calmMs(150, 1_000), 100)
  assert.equal(times.faultDuring(210, 290), false)
  assert.equal(times.faultDuring(150, 290), true)
  assert.equal(times.faultDuring(500, 600), true)
})

test('the time in which a process is meant to be down is not held against it', () => {
  const times = timeline()
  const fault = times.begin('kill', 1_000)
  fault.toMs = 2_000
  const back = times.down('api-1', 1_000)
  assert.equal(times.downDuring('api-1', 1_500, 1_600), true)
  assert.equal(times.downDuring('api-2', 1_500, 1_600), false)
  back(1_800)
  const available = availability()
  for (const [api, atMs] of [
    ['api-1', 990],
    ['api-2', 990],
    ['api-2', 1_200],
    ['api-1', 1_900],
    ['api-2', 1_220],
  ] as const) {
    available.answered(api, atMs)
  }
  assert.equal(available.longestGapMs(fault, times), 210, 'api-2, which was there all the time')
  available.answered('api-2', 1_520)
  assert.equal(available.longestGapMs(fault, times), 300)
  assert.equal(available.longestGapMs({ kind: 'later', fromMs: 3_000, toMs: 4_000 }, times), 0)
})
