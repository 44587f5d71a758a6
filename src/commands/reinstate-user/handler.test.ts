import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import { decide } from './handler.ts'

test('a suspended user is reinstated', () => {
  assert.deepEqual(decide(someUser({ status: 'suspended' }), AT), [{ type: 'user-reinstated', userId: 7, at: AT }])
})

test('who is active stays so: nothing happens', () => {
  assert.deepEqual(decide(someUser(), AT), [])
})

test('terminated is final: no way back', () => {
  assert.throws(() => decide(someUser({ status: 'terminated' }), AT), refusal('user-terminated'))
})
