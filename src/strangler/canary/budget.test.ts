import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketIndex, LATENCY_BUCKETS_MS } from '../evidence/latency.ts'
import { type Figures, overBudget } from './budget.ts'

const side = (requests: number, failed = 0, ms = 10) => {
  const buckets = Array<number>(LATENCY_BUCKETS_MS.length + 1).fill(0)
  buckets[bucketIndex(ms)] = requests
  return { requests, failed, buckets }
}
const figures = (given: Partial<Figures>): Figures => ({
  legacy: side(1_000),
  native: side(1_000),
  compared: 0,
  mismatched: 0,
  ...given,
})

const GOOD: [what: string, given: Partial<Figures>][] = [
  ['nothing at all', { legacy: side(0), native: side(0) }],
  ['no failures', {}],
  ['as many failures as there', { legacy: side(1_000, 100), native: side(1_000, 105) }],
  ['one failure of few', { native: side(20, 1) }],
  ['too few to say', { native: side(19, 18) }],
  ['four that failed, and no other', { native: side(4, 4) }],
  ['a difference of very many', { compared: 1_000, mismatched: 10 }],
  ['too few comparisons to say', { compared: 9, mismatched: 9 }],
  ['a little slower', { legacy: side(100, 0, 10), native: side(100, 0, 30) }],
  ['much slower than nobody', { legacy: side(0), native: side(100, 0, 5_000) }],
  ['faster', { legacy: side(100, 0, 500), native: side(100, 0, 1) }],
]
for (const [what, given] of GOOD) test(`good enough: ${what}`, () => assert.equal(overBudget(figures(given)), null))

const BAD: [what: string, given: Partial<Figures>, why: RegExp][] = [
  ['five that failed, and no other', { native: side(5, 5) }, /^100 % of our answers failed \(5 of 5\)/],
  ['failures', { native: side(100, 3) }, /^3 % of our answers failed \(3 of 100\), 0 % of the legacy/],
  ['more failures than there', { legacy: side(1_000, 100), native: side(1_000, 120) }, /^12 % of our answers failed/],
  ['failures where nobody asks the other', { legacy: side(0), native: side(50, 3) }, /^6 % of our answers failed/],
  ['differences', { compared: 100, mismatched: 3 }, /^3 % of the answers that were compared differ \(3 of 100\)/],
  [
    'slowness',
    { legacy: side(100, 0, 10), native: side(100, 0, 100) },
    /slower: 95 % of our answers took up to 100 ms/,
  ],
]
for (const [what, given, why] of BAD)
  test(`not good enough: ${what}`, () => assert.match(overBudget(figures(given)) ?? '', why))
