import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPES } from '../../domain/principal.ts'
import { principals, scopeSet, sharedTexts } from './principals.ts'
import { refused } from './refusal.ts'

const NAMES = { branches: 'branches', userId: 'user_id' }
const read = (claims: object, names = NAMES) => principals(names)({ sub: 'zofia', ...claims })
const INVALID = { code: 'token-invalid', message: refused('claims').message }
const refuses = (claims: object, names = NAMES) =>
  assert.throws(() => read(claims, names), INVALID, JSON.stringify(claims))

test('whoever is named by their token alone may nothing', () => {
  assert.deepEqual(read({}), {
    ...{ key: '\u0000zofia', subject: 'zofia', client: null, scopes: new Set(), branches: null, userId: null },
  })
})

test('subject and client are visible ASCII: they stand in logs and in the audit', () => {
  for (const name of ['x', 'x'.repeat(128), 'CN=till 7, O=Shop', 'auth0|5f7c', '{"a":1}', '~']) {
    assert.equal(read({ sub: name }).subject, name)
    assert.equal(read({ client_id: name }).client, name)
  }
  for (const name of [
    '',
    'x'.repeat(129),
    'zo\u00f6',
    'a\nb',
    'a\u0000b',
    '\u001b[31m',
    ' x',
    'x ',
    'a\u202eb',
    7,
    null,
    [],
    {},
  ]) {
    refuses({ sub: name })
    refuses({ client_id: name })
    refuses({ azp: name })
  }
})

test('the client is client_id, or else azp', () => {
  assert.equal(read({ client_id: 'a', azp: 'b' }).client, 'a')
  assert.equal(read({ azp: 'b' }).client, 'b')
})

test('no two callers have the same key', () => {
  const keys = [{ client_id: 'a' }, { sub: 'a' }, { sub: 'a', client_id: 'zofia' }, {}].map(
    (claims) => read(claims).key,
  )
  assert.equal(new Set(keys).size, keys.length)
})

test('scopes are words of scope, or those of scp; what is not ours is left out', () => {
  const all = SCOPES.join(' ')
  assert.deepEqual([...read({ scope: `openid ${all} payroll:read` }).scopes], [...SCOPES])
  assert.deepEqual([...read({ scp: all }).scopes], [...SCOPES])
  assert.deepEqual([...read({ scp: ['operate', 'x', 7] }).scopes], ['operate'])
  assert.deepEqual([...read({ scope: '', scp: 'operate' }).scopes], [])
  for (const near of [
    'users:readx',
    'USERS:READ',
    'users:read,operate',
    'users',
    '*',
    'users:*',
    'users:read\toperate',
  ]) {
    assert.deepEqual([...read({ scope: near }).scopes], [], near)
  }
  for (const scope of [7, true, null, ['operate'], { operate: true }]) refuses({ scope })
  for (const scp of [7, true, { operate: true }]) refuses({ scp })
})

test('branches that are not understood are never taken for no limit', () => {
  assert.equal(read({}).branches, null)
  assert.deepEqual(read({ branches: [] }).branches, [])
  assert.deepEqual(read({ branches: ['B001', 'B002'] }).branches, ['B001', 'B002'])
  for (const branches of [
    null,
    '',
    'B001',
    'B001 B002',
    7,
    {},
    true,
    [7],
    [null],
    [''],
    ['a b'],
    [['B001']],
    ['x'.repeat(65)],
  ]) {
    refuses({ branches })
  }
  refuses({ branches: Array(1_001).fill('B001') })
})

test('the caller’s own user is a number, also where the issuer writes it as text', () => {
  assert.equal(read({}).userId, null)
  for (const [given, userId] of [
    [7, 7],
    ['7', 7],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ] as const) {
    assert.equal(read({ user_id: given }).userId, userId)
  }
  for (const userId of [
    0,
    -1,
    1.5,
    '0',
    '07',
    ' 7',
    '7 ',
    '0x7',
    '',
    'x',
    null,
    true,
    [],
    [7],
    {},
    1e300,
    '9'.repeat(16),
  ]) {
    refuses({ user_id: userId })
  }
})

test('claims are called as the settings say, also as what every object has', () => {
  const names = { branches: 'https://shop.example/branches', userId: 'constructor' }
  assert.deepEqual(read({ [names.branches]: ['B1'], branches: 7 }, names).branches, ['B1'])
  assert.equal(read({}, names).userId, null)
  assert.equal(read({ constructor: 7 }, names).userId, 7)
})

test('a principal stays as it is', () => {
  assert.ok(Object.isFrozen(read({})))
})

test('scopes have one object for each set of them', () => {
  assert.equal(scopeSet(['operate', 'users:read']), scopeSet(['users:read', 'operate', 'operate']))
  assert.notEqual(scopeSet(['operate']), scopeSet(['users:read']))
})

test('of equal texts the first one is given', () => {
  const share = sharedTexts()
  assert.equal(share('a'), 'a')
  assert.equal(share('b'), 'b')
  assert.equal(share(['', 'a'].join('')), 'a')
})
