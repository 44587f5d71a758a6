import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ComparisonRules } from '../../ports/strangler.ts'
import { compare } from './compare.ts'

const paths = (legacy: unknown, native: unknown, rules: ComparisonRules): string[] => {
  const answer = (body: unknown) => ({ status: 200, headers: {}, body })
  return compare(answer(legacy), answer(native), rules).map(({ path }) => path)
}
const UNORDERED = { unordered: { '': null } }

test('what is ignored does not tell elements apart, however it is nested', () => {
  const rules = { ...UNORDERED, ignore: ['/*/seen', '/*/parts/0'] }
  assert.deepEqual(paths([{ id: 1, seen: 1 }, { id: 2 }], [{ id: 2, seen: 3 }, { id: 1 }], rules), [])
  assert.deepEqual(paths([{ parts: [1, 2] }, { parts: [3, 4] }], [{ parts: [9, 4] }, { parts: [9, 2] }], rules), [])
  assert.deepEqual(paths([{ parts: [1, 2] }, { parts: [3, 4] }], [{ parts: [9, 5] }, { parts: [9, 2] }], rules), [
    '/*/parts/*',
  ])
})

test('elements that are ignored altogether are the same, as many as there are', () => {
  assert.deepEqual(paths([[1, 2], [3]], [[3], [9, 8]], { ...UNORDERED, ignore: ['/*/*'] }), [])
})

test('beneath an array whose order says nothing no other order says anything', () => {
  const legacy = [
    [1, 9],
    [2, 3],
  ]
  const ours = [
    [9, 1],
    [3, 2],
  ]
  assert.deepEqual(paths(legacy, ours, UNORDERED), [])
  assert.deepEqual(paths([{ a: legacy }, 0], [0, { a: ours }], UNORDERED), [])
  assert.notDeepEqual(
    paths(
      legacy,
      [
        [9, 3],
        [1, 2],
      ],
      UNORDERED,
    ),
    [],
  )
})

test('times that are near are the same, each used once; what is no time must be the same text', () => {
  const rules = { ...UNORDERED, timestamps: { '/*': 1_000 } }
  const at = (second: string) => `2024-06-01T09:00:${second}Z`
  assert.deepEqual(paths([at('01'), at('30'), 'never'], ['never', at('30.5'), at('00.1')], rules), [])
  assert.deepEqual(paths([at('01'), at('30')], [at('30'), at('33')], rules), ['/*'])
  assert.deepEqual(paths([at('01'), 'never'], ['ever', at('01')], rules), ['/*'])
})

test('numbers and times may both be near, and what is neither is compared as it is', () => {
  const rules = { ...UNORDERED, numbers: { '/*': 0.01 }, timestamps: { '/*': 1_000 } }
  const time = '2024-06-01T09:00:00Z'
  assert.deepEqual(paths(['1.00', time, null, true], [true, null, '2024-06-01T11:00:00.5+02:00', 1.005], rules), [])
  assert.deepEqual(paths([null, '1.00'], [1, false], rules), ['/*'])
})

test('elements of one key are matched by what else they are', () => {
  const rules = { unordered: { '': 'id' }, numbers: { '/*/price': 0.01 } }
  const of = (...prices: number[]) => prices.map((price) => ({ id: 7, price }))
  assert.deepEqual(paths(of(1, 2, 3), of(3.001, 1, 2), rules), [])
  assert.deepEqual(paths(of(1, 2), of(2, 5), rules), ['/*/price'])
  assert.deepEqual(paths([{ price: 1 }, 4, null], [null, 4, { price: 1 }], rules), [])
})
