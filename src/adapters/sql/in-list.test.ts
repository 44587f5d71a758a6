import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inList } from './in-list.ts'

test('a list is padded to the next of few lengths, with its last value', () => {
  for (const [given, padded] of [
    [1, 1],
    [2, 10],
    [10, 10],
    [11, 100],
    [100, 100],
    [101, 500],
    [500, 500],
  ] as const) {
    const values = Array.from({ length: given }, (_, index) => index)
    const { sql, params } = inList(values)
    assert.equal(sql, `(${'?, '.repeat(padded - 1)}?)`)
    assert.deepEqual(params.slice(0, given), values)
    assert.deepEqual(params.slice(given), new Array(padded - given).fill(given - 1))
  }
})

test('the values given are left as they are', () => {
  const values = ['a', 'b']
  inList(values)
  assert.deepEqual(values, ['a', 'b'])
})

test('no list is empty, and none is longer than 500', () => {
  assert.throws(() => inList([]), RangeError)
  assert.throws(() => inList(new Array(501).fill(1)), RangeError)
})
