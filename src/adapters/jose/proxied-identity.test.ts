import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../config.ts'
import { principals } from './principals.ts'
import { proxiedIdentity } from './proxied-identity.ts'

const behind = (proxies: string, more: Record<string, string> = {}) => {
  const environment = { AUTH_IDENTITY_HEADER: 'X-Client-DN', AUTH_IDENTITY_PROXIES: proxies, ...more }
  const identity = proxiedIdentity(readConfig(environment).auth)
  assert.ok(identity)
  return identity
}

test('without a proxy there is none', () => {
  assert.equal(proxiedIdentity(readConfig({}).auth), null)
})

test('the header’s name is as Node gives it', () => {
  assert.equal(behind('10.0.0.1').header, 'x-client-dn')
})

test('only the connections of such a proxy count', () => {
  const { isFrom } = behind('10.1.0.0/16,192.0.2.7,2001:db8::/32,::1')
  for (const address of [
    '10.1.0.0',
    '10.1.255.255',
    '::ffff:10.1.2.3',
    '192.0.2.7',
    '::ffff:192.0.2.7',
    '2001:db8::9',
    '::1',
  ]) {
    assert.equal(isFrom(address), true, address)
  }
  for (const address of [
    '10.2.0.0',
    '::ffff:10.2.0.1',
    '192.0.2.8',
    '2001:db9::1',
    '127.0.0.1',
    '::2',
    '',
    'x',
    '10.1.0.0/16',
  ]) {
    assert.equal(isFrom(address), false, address)
  }
  assert.equal(behind('::ffff:192.0.2.7').isFrom('192.0.2.7'), true, 'written as a socket says it')
})

test('whose certificate it was may do what the settings say', () => {
  const principal = behind('10.0.0.1').principal('CN=till-7,OU=B001,O=Shop')
  assert.deepEqual(principal, {
    ...{ key: '\u0000\u0000CN=till-7,OU=B001,O=Shop', subject: 'CN=till-7,OU=B001,O=Shop', client: 'x-client-dn' },
    ...{ scopes: new Set(['users:read']), branches: null, userId: null },
  })
  const other = behind('10.0.0.1', { AUTH_IDENTITY_SCOPES: 'operate,users:audit' }).principal('x')
  assert.deepEqual(other?.scopes, new Set(['users:audit', 'operate']))
})

test('a name that is none, or would spoil a log, is nobody', () => {
  const { principal } = behind('10.0.0.1')
  for (const value of ['', ' ', ' x', 'x ', 'a\tb', 'a\u0000b', 'zo\u00f6', 'x'.repeat(129)]) {
    assert.equal(principal(value), undefined, value)
  }
  assert.equal(principal('x'.repeat(128))?.subject, 'x'.repeat(128))
})

test('the same name is the same caller, and never one that shows a token', () => {
  const { principal } = behind('10.0.0.1')
  assert.equal(principal('zofia'), principal('zofia'))
  const withToken = principals({ branches: 'branches', userId: 'user_id' })({ sub: 'zofia' })
  assert.notEqual(principal('zofia')?.key, withToken.key)
})
