import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile, ratios, spread } from './statistics.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

test('a percentile is a value that was measured: the least that so many are not above', () => {
  const table: [values: number[], percent: number, expected: number][] = [
    [upTo(100), 50, 50],
    [upTo(100), 99, 99],
    [upTo(200), 99, 198],
    [upTo(10), 99, 10],
    [upTo(10), 50, 5],
    [upTo(3), 50, 2],
    [[7], 1, 7],
    [[7], 100, 7],
    [[7], 0, 7],
  ]
  for (const [values, percent, expected] of table) {
    assert.equal(percentile(values, percent), expected, `p${percent} of ${values.length}`)
    assert.equal(percentile(Float64Array.from(values), percent), expected)
  }
  assert.ok(Number.isNaN(percentile([], 50)))
})

test('the median of rounds stands in the middle, whatever their order', () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 })
  assert.deepEqual(spread([10, 9, 100, 1]), { median: 9.5, min: 1, max: 100 })
  assert.deepEqual(spread([4]), { median: 4, min: 4, max: 4 })
  const values = [2, 1]
  spread(values)
  assert.deepEqual(values, [2, 1], 'the rounds stay in order')
})

test('a ratio is taken round by round', () => {
  assert.deepEqual(ratios([30, 60], [10, 30]), [3, 2])
  assert.ok(Number.isNaN(ratios([30], [])[0]))
})
