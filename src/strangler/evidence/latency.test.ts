import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketIndex, LATENCY_BUCKETS_MS, percentile } from './latency.ts'

const SEED = 8
const bucketsOf = (times: number[]) => {
  const buckets: number[] = Array(LATENCY_BUCKETS_MS.length + 1).fill(0)
  for (const ms of times) buckets[bucketIndex(ms)] = (buckets[bucketIndex(ms)] ?? 0) + 1
  return buckets
}

test('bounds rise, none by more than a half from 1 ms on', () => {
  for (const [i, bound] of LATENCY_BUCKETS_MS.entries()) {
    const before = LATENCY_BUCKETS_MS[i - 1] ?? 0
    assert.ok(bound > before, `${bound}`)
    assert.ok(before < 1 || bound <= before * 1.5, `${bound}`)
  }
})

test('a time is counted within its bound', () => {
  assert.deepEqual([0, 0.5, 0.51, 1, 60_000].map(bucketIndex), [0, 0, 1, 1, LATENCY_BUCKETS_MS.length - 1])
  assert.equal(bucketIndex(60_000.1), LATENCY_BUCKETS_MS.length)
})

test('a percentile is the bound under which that many lie: it errs upward, by less than a bucket', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 100 }),
      (times, percent) => {
        const exact = times.toSorted((a, b) => a - b)[Math.ceil((times.length * percent) / 100) - 1] ?? Number.NaN
        assert.equal(percentile(bucketsOf(times), percent), LATENCY_BUCKETS_MS[bucketIndex(exact)])
      },
    ),
    { seed: SEED, numRuns: 500 },
  )
})

test('of nothing it is 0, and beyond the last bound that', () => {
  assert.equal(percentile([], 50), 0)
  assert.equal(percentile(bucketsOf([]), 99), 0)
  assert.equal(percentile(bucketsOf([99_999]), 50), 60_000)
  assert.equal(percentile([0, 3], 50), 1)
})
