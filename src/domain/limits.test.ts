import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusal } from '../../test/support/users.ts'
import { checkLimit, isLimitName, LIMIT_NAMES, LIMITS, type LimitRule } from './limits.ts'

/** Stored by name and shown in the API: a change of this table is a change for every caller. */
const TABLE: Record<string, [unit: string, min: number, max: number]> = {
  'discount-percent': ['percent', 0, 100],
  'price-override-percent': ['percent', 0, 100],
  'refund-amount': ['cents', 0, 100_000_000],
  'void-amount': ['cents', 0, 100_000_000],
  'credit-override': ['cents', 0, 100_000_000],
  'cash-drop': ['cents', 0, 100_000_000],
  'open-receipts': ['count', 0, 99],
}

test('there are these limits, in these units and ranges', () => {
  const rules: [string, LimitRule][] = Object.entries(LIMITS)
  assert.deepEqual(Object.fromEntries(rules.map(([name, { unit, min, max }]) => [name, [unit, min, max]])), TABLE)
  assert.deepEqual(LIMIT_NAMES, Object.keys(TABLE))
})

test('both ends of a range are allowed, and so are the whole numbers between', () => {
  for (const name of LIMIT_NAMES) {
    const { min, max } = LIMITS[name]
    for (const value of [min, min + 1, max - 1, max]) assert.equal(checkLimit(name, value), name)
  }
})

test('what is outside a range, or no whole number, is refused with unit and range', () => {
  for (const value of [-1, 101, 0.5, 99.999, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => checkLimit('discount-percent', value), {
      ...refusal('limit-out-of-range', '/value'),
      message: 'discount-percent must be a whole number of percent, 0 to 100.',
    })
  }
  assert.throws(() => checkLimit('refund-amount', 100_000_001), refusal('limit-out-of-range', '/value'))
  assert.throws(() => checkLimit('open-receipts', 100), refusal('limit-out-of-range', '/value'))
})

test('no other name is a limit: not one in other letters, and none that all objects have', () => {
  for (const name of ['', 'Discount-Percent', 'discount', 'toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    assert.equal(isLimitName(name), false, name)
    assert.throws(() => checkLimit(name, 1), refusal('limit-unknown', '/limit'))
  }
})
