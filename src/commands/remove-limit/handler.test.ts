import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import { decide } from './handler.ts'

test('a limit is removed, also one of 0', () => {
  const user = someUser({ limits: { 'discount-percent': 10, 'cash-drop': 0 } })
  for (const limit of ['discount-percent', 'cash-drop'] as const) {
    assert.deepEqual(decide(user, { limit }, AT), [{ type: 'limit-removed', userId: 7, at: AT, limit }])
  }
})

test('a limit that is not set: nothing happens, not even to a terminated user', () => {
  for (const status of ['active', 'suspended', 'terminated'] as const) {
    assert.deepEqual(decide(someUser({ status }), { limit: 'cash-drop' }, AT), [])
  }
})

test('a terminated user’s limits can’t be removed', () => {
  const user = someUser({ status: 'terminated' })
  assert.throws(() => decide(user, { limit: 'discount-percent' }, AT), refusal('user-terminated'))
})
