import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { greatestShare, ninesOf } from './nines.ts'

describe('without a difference the claim is the rule of three', () => {
  for (const [checked, nines] of [
    [1, 0],
    [3, 0],
    [30, 1],
    [299, 1.9],
    [300, 2],
    [3_000, 3],
    [720_000, 5.3],
  ] as const) {
    test(`${checked} in order support ${nines} nines`, () => {
      assert.equal(greatestShare(0, checked), Math.min(1, 3 / checked))
      assert.equal(ninesOf(greatestShare(0, checked)), nines)
    })
  }
})

test('nothing looked at supports nothing', () => {
  assert.equal(ninesOf(greatestShare(0, 0)), 0)
})

/** Upper 95 % limits of a Poisson mean (one-sided), from published tables. */
const LIMITS: [count: number, limit: number][] = [
  [1, 4.744],
  [2, 6.296],
  [3, 7.754],
  [5, 10.513],
  [10, 16.962],
  [20, 29.062],
]
describe('with differences the limit is the exact one of a Poisson mean', () => {
  for (const [count, limit] of LIMITS) {
    test(`${count} differences may stand for ${limit}`, () => {
      assert.ok(Math.abs(greatestShare(count, 1e6) * 1e6 - limit) < 0.001)
    })
  }
})

test('more differences never support more nines', () => {
  // Each of the first, then some of many.
  const counts = [...Array.from({ length: 200 }, (_, count) => count), ...[201, 500, 501, 1_000, 1_999]]
  const shares = counts.map((count) => greatestShare(count, 10_000))
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  )
  assert.ok(shares.every((share, i) => share > (counts[i] ?? 0) / 10_000))
})

test('the limit is never below the exact binomial one', () => {
  for (const [differing, checked] of [
    [0, 10],
    [1, 20],
    [3, 50],
    [7, 400],
  ] as const) {
    const claimed = greatestShare(differing, checked)
    assert.ok(claimed === 1 || binomialAtMost(differing, checked, claimed) <= 0.05, `${differing} of ${checked}`)
  }
})

function binomialAtMost(count: number, of: number, share: number): number {
  let term = (1 - share) ** of
  let sum = term
  for (let k = 1; k <= count; k += 1) {
    term *= ((of - k + 1) / k) * (share / (1 - share))
    sum += term
  }
  return sum
}
