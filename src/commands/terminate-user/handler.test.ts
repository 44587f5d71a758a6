import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, someUser } from '../../../test/support/users.ts'
import { decide } from './handler.ts'

for (const status of ['active', 'suspended'] as const) {
  test(`a user who is ${status} is terminated, and keeps on record what they held`, () => {
    assert.deepEqual(decide(someUser({ status }), AT), [{ type: 'user-terminated', userId: 7, at: AT }])
  })
}

test('who is terminated stays so: nothing happens', () => {
  assert.deepEqual(decide(someUser({ status: 'terminated' }), AT), [])
})
