import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { retryBudget } from './retry-budget.ts'

const SEED = 20_261_129

test('there is none before there were answers', () => {
  assert.equal(retryBudget({ share: 0.1, calls: 100 }).spend(), false)
})

test('each ten answered calls pay for one further attempt', () => {
  const budget = retryBudget({ share: 0.1, calls: 100 })
  for (let call = 1; call <= 9; call += 1) budget.answered()
  assert.equal(budget.spend(), false)
  budget.answered()
  assert.deepEqual([budget.spend(), budget.spend()], [true, false])
})

test('what was saved is of recent calls only', () => {
  const budget = retryBudget({ share: 0.1, calls: 100 })
  for (let call = 1; call <= 10_000; call += 1) budget.answered()
  let spent = 0
  while (budget.spend()) spent += 1
  assert.equal(spent, 10)
})

test(`whatever happens in whatever order, attempts are at most the calls and their share (seed ${SEED})`, () => {
  const shares = fc.constantFrom(0.05, 0.1, 0.2, 0.3, 1)
  fc.assert(
    fc.property(shares, fc.array(fc.boolean(), { maxLength: 500 }), (share, events) => {
      const budget = retryBudget({ share, calls: 50 })
      let [calls, further] = [0, 0]
      for (const isCall of events) {
        if (isCall) {
          calls += 1
          budget.answered()
        } else if (budget.spend()) further += 1
        assert.ok(further <= calls * share)
      }
    }),
    { seed: SEED },
  )
})
