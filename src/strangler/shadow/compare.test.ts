import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ComparisonRules } from '../../ports/strangler.ts'
import { type Comparable, compare, MAX_DEPTH, MAX_DIFFERENCES } from './compare.ts'

const SEED = 8
const answer = (body: unknown, headers: Comparable['headers'] = {}, status = 200) => ({ status, headers, body })
/** The paths at which two bodies differ. */
const paths = (legacy: unknown, native: unknown, rules: ComparisonRules = {}) =>
  compare(answer(legacy), answer(native), rules).map(({ path }) => path)

test('the order of members says nothing, their values do', () => {
  assert.deepEqual(paths({ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }), [])
  assert.deepEqual(paths({ a: 1, b: { c: [1, 2] } }, { a: 2, b: { c: [1, 3] } }), ['/a', '/b/c/*'])
})

test('what is missing is not null, and neither is an empty text or a zero', () => {
  assert.deepEqual(paths({ a: null }, {}), ['/a'])
  assert.deepEqual(paths({}, { a: null }), ['/a'])
  for (const [legacy, native] of [
    [null, ''],
    [null, 0],
    [false, 0],
    [1, '1'],
    [true, 'true'],
    [[], {}],
    [{}, null],
    ['[]', []],
  ])
    assert.deepEqual(paths({ a: legacy }, { a: native }), ['/a'], JSON.stringify([legacy, native]))
})

test('both values are told, and an absent one is undefined', () => {
  const [found] = compare(answer({ a: 1 }), answer({}), {})
  assert.deepEqual([found?.path, found?.legacy, found?.native], ['/a', 1, undefined])
  assert.deepEqual(
    compare(answer([1, 2]), answer([1]), {}).map(({ legacy, native }) => [legacy, native]),
    [[2, undefined]],
  )
})

test('another status is the one difference that is told', () => {
  const found = compare(answer({ a: 1 }, {}, 404), answer({ b: 1 }), { headers: ['etag'] })
  assert.deepEqual(
    found.map(({ path, legacy, native }) => [path, legacy, native]),
    [['status', 404, 200]],
  )
})

test('headers are compared when the rules name them, content types by what they mean', () => {
  const types = (legacy: string | undefined, native: string | undefined) =>
    compare(answer(1, { 'content-type': legacy }), answer(1, { 'content-type': native }), { headers: ['content-type'] })
  assert.deepEqual(types('application/json', 'Application/JSON; charset=UTF-8'), [])
  assert.deepEqual(types('text/html; charset=utf-8', 'text/html;charset="UTF-8"'), [])
  assert.equal(types('text/html; charset=utf-8', 'text/html')[0]?.path, 'header:content-type')
  assert.equal(types('text/html', 'text/plain').length, 1)
  assert.equal(types('application/json', undefined).length, 1)
  const cookies = { 'set-cookie': ['a=1', 'b=2'], vary: 'Cookie' }
  assert.deepEqual(compare(answer(1, cookies), answer(1, {}), {}), [])
  const rules = { headers: ['set-cookie', 'vary'] }
  assert.deepEqual(compare(answer(1, cookies), answer(1, { ...cookies, vary: 'cookie' }), rules).length, 1)
  assert.deepEqual(compare(answer(1, cookies), answer(1, { ...cookies, 'set-cookie': 'a=1' }), rules).length, 1)
})

test('what is to be ignored is, with all beneath, missing or not', () => {
  const rules = { ignore: ['/at', '/items/*/seen', '/a~1b/c~0d'] }
  assert.deepEqual(paths({ at: 1, items: [{ seen: 1, n: 1 }] }, { items: [{ seen: { x: 2 }, n: 1 }] }, rules), [])
  assert.deepEqual(paths({ 'a/b': { 'c~d': 1 } }, { 'a/b': { 'c~d': 2 } }, rules), [])
  assert.deepEqual(paths({ items: [{ seen: 1, n: 1 }] }, { items: [{ seen: 2, n: 2 }] }, rules), ['/items/*/n'])
  assert.deepEqual(paths({ x: { at: 1 } }, { x: { at: 2 } }, rules), ['/x/at'])
  assert.deepEqual(paths({ x: { at: 1 }, y: 1 }, { x: {}, y: 2 }, { ignore: ['/*/at'] }), ['/y'])
})

test('numbers may be so far apart where the rules say so, and be written as text', () => {
  const rules = { numbers: { '/total': 0.01, '/prices': 0 } }
  assert.deepEqual(paths({ total: '12.50', prices: ['1.10', 2] }, { total: 12.51, prices: [1.1, '2.000'] }, rules), [])
  assert.deepEqual(paths({ total: '12.50' }, { total: 12.52 }, rules), ['/total'])
  assert.deepEqual(paths({ prices: ['1.1'] }, { prices: [1.2] }, rules), ['/prices/*'])
  for (const [legacy, native] of [
    ['', 0],
    ['0x10', 16],
    [null, 0],
    ['1 ', 1],
    ['1,5', 1.5],
    [true, 1],
    ['Infinity', 'infinity'],
    ['1e999', '2e999'],
  ])
    assert.deepEqual(paths({ total: legacy }, { total: native }, rules), ['/total'], JSON.stringify([legacy, native]))
  assert.deepEqual(paths({ other: '1.0' }, { other: 1 }, rules), ['/other'])
})

test('times may be so far apart, with any offset and fraction; what is no time is a difference', () => {
  const rules = { timestamps: { '/at': 1_000 } }
  const at = (legacy: unknown, native: unknown) => paths({ at: legacy }, { at: native }, rules)
  assert.deepEqual(at('2026-11-29T10:00:00Z', '2026-11-29T11:00:00.999999+01:00'), [])
  assert.deepEqual(at('2026-11-29 10:00:00.5-00:30', '2026-11-29T10:30:00Z'), [])
  assert.deepEqual(at('2026-12-31T23:59:60Z', '2027-01-01T00:00:00Z'), [])
  assert.deepEqual(at('0001-01-01T00:00:00Z', '1901-01-01T00:00:00Z'), ['/at'])
  assert.deepEqual(at('2026-11-29T10:00:00Z', '2026-11-29T10:00:01.001Z'), ['/at'])
  for (const none of ['2026-02-30T10:00:00Z', '2026-11-29', '2026-11-29T10:00:00', '', null, 1_764_410_400_000])
    assert.deepEqual(at(none, '2026-03-02T10:00:00Z'), ['/at'], String(none))
})

test('elements without an order are matched by their key, also when a key is there twice', () => {
  const rules = { unordered: { '/users': 'id' } }
  const [one, two, three] = [
    { id: 1, n: 'a' },
    { id: 2, n: 'b' },
    { id: 3, n: 'c' },
  ]
  const users = (legacy: unknown[], native: unknown[]) => paths({ users: legacy }, { users: native }, rules)
  assert.deepEqual(users([one, two, three], [three, one, two]), [])
  assert.deepEqual(users([one, two], [two, { id: 1, n: 'A' }]), ['/users/*/n'])
  assert.deepEqual(users([one, two, three], [three, one]), ['/users/*'])
  assert.deepEqual(users([one, { id: 1, n: 'z' }], [{ id: 1, n: 'z' }, one]), [])
  assert.deepEqual(users([one, one], [one]), ['/users/*'])
  assert.deepEqual(users([{ id: 1 }], [{ id: '1' }]), ['/users/*', '/users/*'])
  assert.deepEqual(users([one, 'x', null], [null, one, 'x']), [])
  assert.deepEqual(users([{ id: {} }], [{ id: {} }]), [])
})

test('elements without an order and without a key are matched by what they are, each as often as it occurs', () => {
  const tags = (legacy: unknown[], native: unknown[], rules: ComparisonRules = {}) =>
    paths({ tags: legacy }, { tags: native }, { ...rules, unordered: { '/tags': null } })
  assert.deepEqual(tags(['a', 'b', 'a'], ['b', 'a', 'a']), [])
  assert.deepEqual(tags(['a', 'b', 'a'], ['b', 'a', 'b']), ['/tags/*'])
  assert.deepEqual(tags(['a', 'a'], ['a']), ['/tags/*'])
  assert.deepEqual(tags([{ a: 1, b: 2 }, [1]], [[1], { b: 2, a: 1 }]), [])
  assert.deepEqual(tags([{ a: 1, b: 2 }], [{ b: 3, a: 1 }]), ['/tags/*/b'])
  assert.deepEqual(
    tags(
      [
        { a: 1, at: 5 },
        { a: 2, at: 6 },
      ],
      [{ a: 2 }, { a: 1 }],
      { ignore: ['/tags/*/at'] },
    ),
    [],
  )
  assert.deepEqual(tags([1, '2.05', 30], [30.1, 1.1, 2], { numbers: { '/tags': 0.1 } }), [])
  assert.deepEqual(tags([1, 2, 3], [1, 2.5, 3], { numbers: { '/tags': 0.1 } }), ['/tags/*'])
  // The order within is said of all arrays beneath as well.
  assert.deepEqual(tags([{ a: [1, 2] }, { a: [3, 4] }], [{ a: [4, 3] }, { a: [2, 1] }]), [])
})

test('a longer path says otherwise than a shorter one', () => {
  const rules = { numbers: { '': 10, '/exact': 0 }, unordered: { '': null } }
  assert.deepEqual(paths({ exact: 1, near: 1 }, { exact: 2, near: 9 }, rules), ['/exact'])
})

test('an array in its order is compared by positions, and told by none', () => {
  assert.deepEqual(paths([1, 2], [2, 1]), ['/*'])
  assert.deepEqual(paths([{ a: 1 }, { a: 1 }], [{ a: 2 }, { a: 2 }]), ['/*/a'])
  assert.deepEqual(paths([5, 6], [5, 7], { ignore: ['/1'] }), [])
})

test('what could be somebody’s data stands in no path', () => {
  const users = { 'anna@example.org': 1, '4711': 1, u12345: 1, Ännchen: 1, [`a${'b'.repeat(99)}`]: 1, __proto__x: 1 }
  assert.deepEqual(new Set(paths(users, {})), new Set(['/*', '/__proto__x']))
  assert.deepEqual(paths(JSON.parse('{"__proto__": {"a": 1}}'), JSON.parse('{"__proto__": {"a": 2}}')), [
    '/__proto__/a',
  ])
  assert.deepEqual(paths({ hasOwnProperty: 1 }, {}), ['/hasOwnProperty'])
})

test('differences are told up to a number, and each place once', () => {
  const body = (n: number) => Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}`, n]))
  assert.equal(paths(body(1), body(2)).length, MAX_DIFFERENCES)
  assert.equal(compare(answer(body(1)), answer(body(2)), {}, 300).length, 300)
  const rows = (a: number, b: number) => Array.from({ length: 5_000 }, () => ({ a, b }))
  assert.deepEqual(paths(rows(1, 1), rows(2, 2)), ['/*/a', '/*/b'])
})

test('nesting of any depth is compared, without an overflow', () => {
  const deep = (depth: number, core: string) => JSON.parse(`${'{"a":['.repeat(depth)}${core}${']}'.repeat(depth)}`)
  assert.deepEqual(paths(deep(MAX_DEPTH, '1'), deep(MAX_DEPTH, '1')), [])
  assert.equal(paths(deep(MAX_DEPTH, '1'), deep(MAX_DEPTH, '2')).length, 1)
  // Where nobody can say that it is the same, it is not called so.
  for (const rules of [{}, { unordered: { '': null } }])
    assert.equal(paths(deep(100_000, '1'), deep(100_000, '2'), rules).length, 1, JSON.stringify(rules))
  assert.deepEqual(paths([deep(40, '1'), 5], [5, deep(40, '1')], { unordered: { '': null } }), [])
  assert.equal(paths([deep(40, '1'), 5], [5, deep(40, '2')], { unordered: { '': null } }).length, 1)
})

test('large arrays take time in proportion to their length', () => {
  const size = 50_000
  const users = Array.from({ length: size }, (_, id) => ({ id, n: id % 7 }))
  const reversed = users.toReversed()
  const began = performance.now()
  assert.deepEqual(paths({ users }, { users: reversed }, { unordered: { '/users': 'id' } }), [])
  assert.deepEqual(paths({ users }, { users: reversed }, { unordered: { '/users': null } }), [])
  const none = users.map(({ id }) => id + size)
  assert.ok(
    paths(
      users.map(({ id }) => id),
      none,
      { unordered: { '': null } },
    ).length > 0,
  )
  const same = Array(size).fill('x')
  assert.deepEqual(paths([...same, 'y'], ['y', ...same], { unordered: { '': null } }), [])
  // Four passes in well under a second; in quadratic time each is minutes.
  assert.ok(performance.now() - began < 10_000)
})

const json = fc.jsonValue({ maxDepth: 4 })
const shuffled = (value: unknown, random: (n: number) => number): unknown => {
  if (Array.isArray(value)) {
    const rest = value.map((one) => shuffled(one, random))
    return value.map(() => rest.splice(random(rest.length), 1)[0])
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, one]) => [name, shuffled(one, random)]),
  )
}

test('without an order, a shuffled answer is the same; with another value it is not', () => {
  const rules = { unordered: { '': null }, numbers: { '': 0 } }
  fc.assert(
    fc.property(json, fc.infiniteStream(fc.nat()), (value, numbers) => {
      const random = (n: number) => numbers.next().value % n
      const other = shuffled(value, random)
      assert.deepEqual(paths({ value }, { value: other }, rules), [])
      assert.notDeepEqual(paths({ value: [value] }, { value: [other, 'more'] }, rules), [])
    }),
    { seed: SEED, numRuns: 300 },
  )
})

test('two answers are the same exactly when their JSON is', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const [one, other] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))]
      assert.deepEqual(paths(one, structuredClone(one)), [])
      let isSame = true
      try {
        assert.deepStrictEqual(one, other)
      } catch {
        isSame = false
      }
      // JSON has one zero in all but writing.
      if (!JSON.stringify([a, b]).includes('-0')) assert.equal(paths(one, other).length === 0, isSame)
    }),
    { seed: SEED, numRuns: 500 },
  )
})
