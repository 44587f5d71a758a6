import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHead, type Source, together } from './source.ts'

const AGES = { near: '900', redis: '60', database: '0' }
const head = readHead((from) => AGES[from])

test('an answer says where it was read, and how old it may be', () => {
  assert.deepEqual(head({ from: 'near' }), { 'read-from': 'near', 'read-age': '900' })
  assert.deepEqual(head({ from: 'database' }), { 'read-from': 'database', 'read-age': '0' })
  assert.deepEqual(readHead(() => null)({ from: 'redis' }), { 'read-from': 'redis' })
})

test('what nobody could confirm says so', () => {
  assert.deepEqual(head({ from: 'redis', stale: true }), {
    'read-from': 'redis',
    'read-age': '60',
    'read-stale': 'true',
  })
  assert.deepEqual(head({ from: 'redis', stale: false }), { 'read-from': 'redis', 'read-age': '60' })
})

test('what was put together says where the furthest part was read, and is as old as the oldest', () => {
  const from = (...sources: Source[]) => head(together(...sources))
  assert.deepEqual(from({ from: 'near' }, { from: 'redis' }), { 'read-from': 'redis', 'read-age': '900' })
  assert.deepEqual(from({ from: 'database' }, { from: 'redis' }), { 'read-from': 'database', 'read-age': '60' })
  assert.deepEqual(from({ from: 'redis' }, { from: 'redis' }), { 'read-from': 'redis', 'read-age': '60' })
  assert.deepEqual(from(together({ from: 'near' }, { from: 'database' }), { from: 'redis' }), {
    'read-from': 'database',
    'read-age': '900',
  })
  assert.equal(from({ from: 'redis', stale: true }, { from: 'near' })['read-stale'], 'true')
})
