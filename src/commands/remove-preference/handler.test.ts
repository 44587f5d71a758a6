import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import { decide } from './handler.ts'

test('a preference is removed', () => {
  const removed = { type: 'preference-removed', userId: 7, at: AT, key: 'theme' }
  assert.deepEqual(decide(someUser(), { key: 'theme' }, AT), [removed])
})

test('a preference that older programs left empty is removed', () => {
  const removed = { type: 'preference-removed', userId: 7, at: AT, key: 'theme' }
  assert.deepEqual(decide(someUser({ preferences: { theme: '' } }), { key: 'theme' }, AT), [removed])
})

test('a preference that is not there: nothing happens, not even to a terminated user', () => {
  for (const status of ['active', 'suspended', 'terminated'] as const) {
    assert.deepEqual(decide(someUser({ status }), { key: 'language' }, AT), [])
  }
})

test('a key that all objects have is there only when it was set', () => {
  assert.deepEqual(decide(someUser(), { key: 'toString' }, AT), [])
  const removed = { type: 'preference-removed', userId: 7, at: AT, key: 'toString' }
  assert.deepEqual(
    decide(someUser({ preferences: { toString: 'x' } as object as Record<string, string> }), { key: 'toString' }, AT),
    [removed],
  )
})

test('a terminated user’s preferences can’t be removed', () => {
  const user = someUser({ status: 'terminated' })
  assert.throws(() => decide(user, { key: 'theme' }, AT), refusal('user-terminated'))
})
