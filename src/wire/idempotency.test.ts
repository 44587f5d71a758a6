import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { writeAnswer } from './answer.ts'
import { IdempotencyKey, idempotencyOf, onceAKey } from './idempotency.ts'

type Asked = Parameters<typeof idempotencyOf>[0]
const asked = (more: Partial<Asked> = {}): Asked => ({
  method: 'POST',
  routeOptions: { url: '/v1/users', schema: { body: {} } },
  params: {},
  query: {},
  body: { username: 'ann', email: null },
  headers: { 'idempotency-key': 'k' },
  principal: { subject: 'ann', client: 'till' },
  ...more,
})
const withKey = (key: string) => asked({ headers: { 'idempotency-key': key } })
const stored = () => ({ status: 200, headers: {}, body: '' })
const of = (request: Asked) => idempotencyOf(request, stored) ?? assert.fail('there is a key')

const takes = (key: unknown) => z.looseObject(IdempotencyKey).safeParse({ 'idempotency-key': key }).success

test('1 to 128 visible ASCII characters are a key, and so is a string of structured fields that holds them', () => {
  const escaped = `"${'\\"'.repeat(128)}"`
  for (const key of [
    'k',
    '!~',
    "it's{}",
    'a"b\\c',
    'x'.repeat(128),
    '"k"',
    `"${'x'.repeat(128)}"`,
    '"\\"\\\\"',
    escaped,
  ])
    assert.ok(takes(key), key)
  assert.ok(takes(undefined), 'nobody has to name one')
})

test('anything else is none', () => {
  const quotes = ['"', '""', '"k', '"a"b"', '"k" ', '"k";a=1', '"a b"', '"\\k"', '"k\\"', `"${'x'.repeat(129)}"`]
  const bare = ['', ' ', 'a b', 'k\n', 'é', '\u0000', '\u007f', 'x'.repeat(129), 'a, b']
  for (const key of [...quotes, ...bare]) assert.ok(!takes(key), JSON.stringify(key))
})

test('quotes make no other key', () => {
  assert.equal(of(withKey('"k"')).key, of(withKey('k')).key)
  assert.equal(of(withKey('"a\\"b\\\\c"')).key, of(withKey('a"b\\c')).key)
  assert.notEqual(of(withKey('K')).key, of(withKey('k')).key)
})

test('a key is its caller’s own: another subject’s, or another client’s, is another', () => {
  const callers = [
    { subject: 'ann', client: 'till' },
    { subject: 'ann', client: 'office' },
    { subject: 'ann', client: null },
    { subject: 'ann', client: 'null' },
    { subject: 'bob', client: 'till' },
    { subject: 'tillann', client: '' },
  ]
  const keys = callers.map((principal) => of(asked({ principal })).key)
  assert.equal(new Set(keys).size, callers.length)
  for (const key of keys) assert.match(key, /^[0-9a-f]{64}$/)
  assert.throws(() => of(asked({ principal: null })), /takes keys of nobody/)
})

test('method, route, parameters, query and the understood body make a request', () => {
  const route = { url: '/v1/users/:userId/suspend' }
  const others: Partial<Asked>[] = [
    { method: 'PUT' },
    { routeOptions: { url: '/v1/people', schema: { body: {} } } },
    { params: { userId: 7 } },
    { query: { a: '1' } },
    { body: { username: 'ann' } },
    { body: { username: 'bob', email: null } },
    { body: null },
    { body: undefined, routeOptions: route, params: { userId: 7 } },
    { body: undefined, routeOptions: route, params: { userId: 8 } },
  ]
  const hashes = [asked(), ...others.map(asked)].map((one) => of(one).requestHash)
  assert.equal(new Set(hashes).size, others.length + 1)
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{64}$/)
})

test('the order of fields, the key, the caller, and a body that nobody looks at make no other request', () => {
  const { requestHash } = of(asked({ body: { a: { b: 1, c: [{ d: 1, e: 2 }] }, f: 2 } }))
  assert.equal(of(asked({ body: { f: 2, a: { c: [{ e: 2, d: 1 }], b: 1 } } })).requestHash, requestHash)
  const bodiless = { routeOptions: { url: '/v1/users/:userId/suspend', schema: {} } }
  const looked = [{}, { body: 'anything' }, { principal: { subject: 'bob', client: null } }, withKey('other')]
  const hashes = looked.map((more) => of(asked({ body: undefined, ...more, ...bodiless })).requestHash)
  assert.equal(new Set(hashes).size, 1)
})

const DONE = { userId: 7, version: 3 }
const answerOf = ({ userId, version }: typeof DONE) =>
  writeAnswer(`"e.1.u.${version}"`, true, { userId, version }, `/v1/users/${userId}`)
const FIRST = {
  status: 201,
  headers: {
    'content-type': 'application/json; charset=utf-8',
    etag: '"e.1.u.3"',
    'cache-control': 'no-store',
    location: '/v1/users/7',
  },
  body: '{"userId":7,"version":3}',
}

test('what is kept is what is sent, but for what is of the moment', () => {
  const once = onceAKey(asked(), answerOf)
  assert.deepEqual(once.answer({ ...DONE, visible: true }), FIRST)
  assert.deepEqual(once.idempotency?.answer(DONE), FIRST)
  const pending = once.answer({ ...DONE, visible: false })
  assert.deepEqual(pending, { ...FIRST, headers: { ...FIRST.headers, visibility: 'pending' } })
  assert.deepEqual(once.idempotency?.answer(DONE), FIRST)
})

test('a repeat is sent what was kept, not what would be made of it now', () => {
  const once = onceAKey(asked(), () => assert.fail('nothing is made'))
  const answer = { status: 299, headers: { etag: '"of another release"' }, body: 'kept' }
  assert.deepEqual(once.answer({ ...DONE, visible: true, answer }), answer)
  const pending = once.answer({ ...DONE, visible: false, answer })
  assert.deepEqual(pending, { ...answer, headers: { ...answer.headers, visibility: 'pending' } })
})

test('who names no key is asked for no answer to keep', () => {
  assert.equal(onceAKey(asked({ headers: {} }), answerOf).idempotency, null)
})
