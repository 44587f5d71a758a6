import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, many, refusal, someUser } from '../../../test/support/users.ts'
import { MAX_PREFERENCES_PER_USER } from '../../domain/user.ts'
import { decide } from './handler.ts'

const full = Object.fromEntries(many(MAX_PREFERENCES_PER_USER, (i) => [`key${i}`, 'x']))
const set = (key: string, value: string) => ({ type: 'preference-set', userId: 7, at: AT, key, value })

test('a preference is set, or changed', () => {
  assert.deepEqual(decide(someUser(), { key: 'language', value: 'pl' }, AT), [set('language', 'pl')])
  assert.deepEqual(decide(someUser(), { key: 'theme', value: 'light' }, AT), [set('theme', 'light')])
})

test('a suspended user’s preference is set', () => {
  const user = someUser({ status: 'suspended' })
  assert.deepEqual(decide(user, { key: 'theme', value: 'light' }, AT), [set('theme', 'light')])
})

test('the same value again: nothing happens, not even to a terminated user', () => {
  for (const status of ['active', 'suspended', 'terminated'] as const) {
    assert.deepEqual(decide(someUser({ status }), { key: 'theme', value: 'dark' }, AT), [])
  }
})

test('keys, like values, are told apart by every letter', () => {
  assert.deepEqual(decide(someUser(), { key: 'Theme', value: 'dark' }, AT), [set('Theme', 'dark')])
  assert.deepEqual(decide(someUser(), { key: 'theme', value: 'Dark' }, AT), [set('theme', 'Dark')])
  // Composed and decomposed: equal to the eye, stored as they are sent.
  const user = someUser({ preferences: { greeting: 'é' } })
  assert.deepEqual(decide(user, { key: 'greeting', value: 'e\u0301' }, AT), [set('greeting', 'e\u0301')])
})

test('a key that all objects have is a key like any other', () => {
  for (const key of ['toString', 'constructor', '__proto__']) {
    assert.deepEqual(decide(someUser(), { key, value: 'x' }, AT), [set(key, 'x')])
  }
})

test('a terminated user’s preferences can’t be set', () => {
  const user = someUser({ status: 'terminated', preferences: full })
  for (const key of ['key0', 'new']) {
    assert.throws(() => decide(user, { key, value: 'y' }, AT), refusal('user-terminated'))
  }
})

test('one key more than a user may have is refused; the keys that are there can be changed', () => {
  const user = someUser({ preferences: full })
  for (const key of ['new', 'toString']) {
    assert.throws(() => decide(user, { key, value: 'x' }, AT), refusal('too-many', '/key'))
  }
  assert.deepEqual(decide(user, { key: 'key0', value: 'y' }, AT), [set('key0', 'y')])
  const { key0: _, ...rest } = full
  assert.deepEqual(decide(someUser({ preferences: rest }), { key: 'new', value: 'x' }, AT), [set('new', 'x')])
})
