import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import { LIMIT_NAMES, LIMITS, type LimitName } from '../../domain/limits.ts'
import { decide } from './handler.ts'

for (const limit of LIMIT_NAMES) {
  const { min, max } = LIMITS[limit]

  test(`${limit} can be set to ${min} and to ${max}, and to nothing outside or between`, () => {
    const user = someUser({ limits: {} })
    for (const value of [min, max]) {
      assert.deepEqual(decide(user, { limit, value }, AT), [{ type: 'limit-set', userId: 7, at: AT, limit, value }])
    }
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => decide(user, { limit, value }, AT), refusal('limit-out-of-range', '/value'))
    }
  })
}

test('a limit is changed', () => {
  const changed = { type: 'limit-set', userId: 7, at: AT, limit: 'discount-percent', value: 11 }
  assert.deepEqual(decide(someUser(), { limit: 'discount-percent', value: 11 }, AT), [changed])
})

test('a limit of 0 is set: it is not the same as none', () => {
  const set = { type: 'limit-set', userId: 7, at: AT, limit: 'cash-drop', value: 0 }
  assert.deepEqual(decide(someUser(), { limit: 'cash-drop', value: 0 }, AT), [set])
  assert.deepEqual(decide(someUser({ limits: { 'cash-drop': 0 } }), { limit: 'cash-drop', value: 0 }, AT), [])
})

test('the same value again: nothing happens, not even to a terminated user', () => {
  for (const status of ['active', 'suspended', 'terminated'] as const) {
    assert.deepEqual(decide(someUser({ status }), { limit: 'discount-percent', value: 10 }, AT), [])
  }
})

test('a terminated user’s limits can’t be changed', () => {
  const user = someUser({ status: 'terminated' })
  assert.throws(() => decide(user, { limit: 'discount-percent', value: 11 }, AT), refusal('user-terminated'))
})

test('a limit that does not exist is refused, also by a name that all objects have', () => {
  for (const name of ['nothing', 'toString', '__proto__']) {
    const limit = name as LimitName
    assert.throws(() => decide(someUser(), { limit, value: 1 }, AT), refusal('limit-unknown', '/limit'))
  }
})
