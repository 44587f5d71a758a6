import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sample } from '../resilience/open-load.ts'
import { added, aSample, byPhase, failureTimesIn, recoveryIn, seenIn, signed, times } from './figures.ts'

const sample = (dueAtMs: number, tookMs: number, status = 200): Sample => ({
  ...{ dueAtMs, tookMs, status, lateMs: 0, reasons: [] },
  verdict: status === 200 ? 'whole' : 'error',
})

test('statuses, times of all, and how many have failed, also those that say 200 and are wrong', () => {
  const wrong: Sample = { ...sample(4, 3), verdict: 'error' }
  const seen = seenIn([sample(1, 1), sample(2, 4, 503), sample(3, 2, 0), wrong])
  assert.deepEqual(seen, {
    statuses: [
      [0, 1],
      [200, 2],
      [503, 1],
    ],
    ...{ p50Ms: 2, p99Ms: 4, failures: 3 },
  })
})

test('what is under way when an ill phase begins is a part of it, and of no other phase', () => {
  const phases = [
    { atMs: 100, isIll: false },
    { atMs: 200, isIll: true },
    { atMs: 300, isIll: false },
  ]
  const samples = [
    sample(99, 1),
    sample(100, 99),
    sample(199, 5, 502),
    sample(250, 80, 504),
    sample(399, 1),
    sample(400, 1),
  ]
  const found = byPhase(samples, phases, 400)
  assert.deepEqual(
    found.map((some) => some.map(({ dueAtMs }) => dueAtMs)),
    [[100], [199, 250], [399]],
  )
})

test('failures before and after the breaker has opened are told apart', () => {
  const samples = [sample(10, 500, 504), sample(20, 7), sample(30, 2, 503), sample(40, 3, 503)]
  const { before, after } = failureTimesIn(samples, 30)
  assert.deepEqual(
    [before, after],
    [
      { p50Ms: 500, p99Ms: 500 },
      { p50Ms: 2, p99Ms: 3 },
    ],
  )
  const never = failureTimesIn(samples, null)
  assert.deepEqual([never.before.p50Ms, never.after.p50Ms], [3, Number.NaN])
})

test('recovery is counted from the change until answers came', () => {
  const samples = [sample(101, 1, 503), sample(120, 5), sample(110, 60, 504), sample(140, 1)]
  assert.deepEqual(recoveryIn(samples, 100), { firstSuccessMs: 25, lastFailureMs: 70 })
  assert.deepEqual(recoveryIn([sample(101, 1)], 100), { firstSuccessMs: 2, lastFailureMs: 0 })
})

test('what still fails has not recovered', () => {
  const samples = [sample(101, 1), sample(102, 1, 503)]
  assert.deepEqual(recoveryIn(samples, 100), { firstSuccessMs: 2, lastFailureMs: null })
  assert.deepEqual(recoveryIn([], 100), { firstSuccessMs: null, lastFailureMs: null })
})

test('differences and ratios are of the same round', () => {
  assert.deepEqual(added([2, 30], [1, 20]), { median: 5.5, min: 1, max: 10 })
  assert.deepEqual(times([2, 30], [1, 20]), { median: 1.75, min: 1.5, max: 2 })
})

test('a sample costs what a request takes more, over the share that was sampled', () => {
  assert.deepEqual(aSample([300, 220], [200, 200], [1, 0.1]), { median: 150, min: 100, max: 200 })
})

test('a difference has its sign, and nothing has none', () => {
  assert.deepEqual([0.126, -0.126, -0.001, 0].map(signed), ['+0.13', '-0.13', '0.00', '0.00'])
})
