import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '../../domain/principal.ts'
import { tokenMemo } from './token-memo.ts'

const NOBODY: Principal = { key: 'k', subject: 's', client: null, scopes: new Set(), branches: null, userId: null }
const verified = (more: object = {}) => ({ principal: { ...NOBODY }, untilMs: 1_000, keyId: 'a', ...more })

test('a token is known by its every byte, until it expires', () => {
  const memo = tokenMemo()
  const one = verified()
  memo.set('Bearer a', one)
  assert.equal(memo.get('Bearer a', 999), one.principal)
  for (const other of ['Bearer b', 'bearer a', 'Bearer  a', 'Bearer a ']) assert.equal(memo.get(other, 0), undefined)
  assert.equal(memo.get('Bearer a', 1_000), undefined)
  assert.equal(memo.size(), 0)
})

test('of tokens that end alike the later is kept, and the other one is nobody', () => {
  const memo = tokenMemo()
  const later = verified()
  memo.set('Bearer a.the-same-end', verified())
  memo.set('Bearer b.the-same-end', later)
  assert.equal(memo.get('Bearer b.the-same-end', 0), later.principal)
  assert.equal(memo.get('Bearer a.the-same-end', 0), undefined)
  assert.equal(memo.get('Bearer c.the-same-end', 0), undefined)
})

test('there is room for so many; what came first and not again goes first', () => {
  const memo = tokenMemo({ maxTokens: 100 })
  for (let i = 0; i < 1_000; i += 1) {
    memo.set(`t${i}`, verified())
    memo.get('t0', 0)
  }
  assert.equal(memo.size(), 100)
  assert.ok(memo.get('t0', 0))
  assert.ok(memo.get('t999', 0))
  assert.equal(memo.get('t900', 0), undefined)
})

test('where all that are known come again and again, a new one is known all the same', () => {
  const memo = tokenMemo({ maxTokens: 100 })
  for (let i = 0; i < 100; i += 1) memo.set(`t${i}`, verified())
  for (let i = 0; i < 100; i += 1) assert.ok(memo.get(`t${i}`, 0))
  memo.set('new', verified())
  assert.ok(memo.get('new', 0))
  assert.equal(memo.size(), 100)
})

test('and for so many bytes', () => {
  const memo = tokenMemo({ maxBytes: 10_000 })
  for (let i = 0; i < 100; i += 1) memo.set(`${i}`.padStart(600, 'x'), verified())
  assert.equal(memo.size(), 10)
  memo.set('y'.repeat(10_001), verified())
  assert.equal(memo.get('y'.repeat(10_001), 0), undefined)
})

test('tokens of other keys than these are forgotten', () => {
  const memo = tokenMemo()
  for (const keyId of ['a', 'b', 'c']) memo.set(`of ${keyId}`, verified({ keyId }))
  memo.forgetOtherThan(new Set(['a', 'c']))
  assert.deepEqual(
    ['a', 'b', 'c'].map((keyId) => memo.get(`of ${keyId}`, 0) !== undefined),
    [true, false, true],
  )
})
