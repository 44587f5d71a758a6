import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import { decide } from './handler.ts'

test('an active user is suspended', () => {
  assert.deepEqual(decide(someUser(), AT), [{ type: 'user-suspended', userId: 7, at: AT }])
})

test('who is suspended stays so: nothing happens', () => {
  assert.deepEqual(decide(someUser({ status: 'suspended' }), AT), [])
})

test('a terminated user can’t be suspended', () => {
  assert.throws(() => decide(someUser({ status: 'terminated' }), AT), refusal('user-terminated'))
})
