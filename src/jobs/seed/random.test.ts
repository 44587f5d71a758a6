import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many } from '../../../test/support/users.ts'
import { dice, mulberry32 } from './random.ts'

function numbers(seed: number, count: number): number[] {
  const next = mulberry32(seed)
  return many(count, () => next())
}

test('the same seed gives the same numbers, on every machine and in every release', () => {
  assert.deepEqual(
    numbers(1, 3).map((n) => n * 2 ** 32),
    [2_693_262_067, 11_749_833, 2_265_367_787],
  )
  assert.deepEqual(numbers(42, 100), numbers(42, 100))
})

test('other seeds give other numbers, those that differ by one among them', () => {
  // First numbers alone do meet: the state is scrambled, not permuted.
  const beginnings = many(10_000, (seed) => numbers(seed, 2).join())
  assert.equal(new Set(beginnings).size, 10_000)
})

test('numbers are from 0 to below 1, and spread evenly', () => {
  const tenths = new Map<number, number>()
  for (const n of numbers(7, 20_000)) {
    assert.ok(n >= 0 && n < 1)
    const tenth = Math.floor(n * 10)
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1)
  }
  assert.equal(tenths.size, 10)
  for (const count of tenths.values()) assert.ok(Math.abs(count - 2_000) < 200, String(count))
})

test('dice give whole numbers below a limit, picks and chances, at both ends of what may come', () => {
  const lowest = dice(() => 0)
  const highest = dice(() => 1 - 2 ** -32)
  assert.deepEqual([lowest.below(6), highest.below(6)], [0, 5])
  assert.deepEqual([lowest.pick(['a', 'b', 'c']), highest.pick(['a', 'b', 'c'])], ['a', 'c'])
  assert.deepEqual([lowest.chance(0.5), highest.chance(0.5)], [true, false])
  assert.deepEqual([lowest.chance(0), highest.chance(1)], [false, true])
})

test('out of nothing nothing is picked', () => {
  assert.throws(() => dice(() => 0).pick([]), RangeError)
})
