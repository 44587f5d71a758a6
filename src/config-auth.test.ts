import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'
import { ALGORITHMS, requireIssuer, SCOPE_NAMES } from './config-auth.ts'
import { SCOPES } from './domain/principal.ts'

const ISSUER = {
  AUTH_ISSUER: 'https://login.example/realms/shop',
  AUTH_AUDIENCE: 'users',
  AUTH_JWKS_URL: 'https://login.example/keys',
}
const PROXY = { AUTH_IDENTITY_HEADER: 'X-Client-DN', AUTH_IDENTITY_PROXIES: '10.0.0.0/8,::1' }

describe('the issuer', () => {
  test('is who it is, what tokens are for, and where its keys are', () => {
    assert.deepEqual(readConfig(ISSUER).auth.issuer, {
      name: 'https://login.example/realms/shop',
      audience: 'users',
      jwksUrl: 'https://login.example/keys',
    })
  })

  test('is set whole, or not at all; the refusal says what is missing', () => {
    const names = Object.keys(ISSUER)
    for (const missing of [
      ...names.map((name) => [name]),
      ...names.map((name) => names.filter((one) => one !== name)),
    ]) {
      const environment = { ...ISSUER, ...Object.fromEntries(missing.map((name) => [name, ''])) }
      const what = `Wrong settings. ${missing.join(', ')}: missing; all of ${names.join(', ')} are set, or none`
      assert.throws(() => readConfig(environment), new ConfigError(what))
    }
  })

  test('has its keys where nobody on the way can change them', () => {
    for (const url of [
      'https://h',
      'https://h:8443/a?b=c',
      'http://127.0.0.1:9/k',
      'http://127.8.9.1',
      'http://[::1]:9/k',
      'http://localhost/k',
    ]) {
      assert.equal(readConfig({ ...ISSUER, AUTH_JWKS_URL: url }).auth.issuer?.jwksUrl, url)
    }
    const refusal = new ConfigError(
      'Wrong settings. AUTH_JWKS_URL: https://…, or http://… on this machine, without user, password and fragment',
    )
    for (const url of [
      ...['http://login.example/keys', 'http://127.0.0.1.example/k', 'http://localhost.example/k', 'http://10.0.0.1/k'],
      ...['http://[::2]/k', 'http://0.0.0.0/k', 'file:///etc/keys', 'ftp://h/k', 'data:,{}', 'keys', '//h/k'],
      ...['https://u:p@h/k', 'https://u@h/k', 'https://h/k#x', 'http://127.0.0.1@login.example/k'],
    ]) {
      assert.throws(() => readConfig({ ...ISSUER, AUTH_JWKS_URL: url }), refusal, url)
    }
  })
})

describe('without an issuer', () => {
  test('the service is for this machine alone', () => {
    for (const HOST of ['', '127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST']) {
      const { auth } = readConfig({ HOST, DATA_DIR: '/srv/users' })
      assert.equal(auth.developmentKeyFile, '/srv/users/development-key.json')
      requireIssuer({ auth })
    }
    const refusal = new ConfigError(
      'Wrong settings. AUTH_ISSUER, AUTH_AUDIENCE, AUTH_JWKS_URL: without them HOST must be 127.0.0.1, ::1 or localhost, ' +
        'because the development key is for this machine only',
    )
    for (const HOST of [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '::ffff:10.0.0.1',
      'users',
      'localhost.example',
      '127.0.0.1.example',
      '127',
      '128.0.0.1',
    ]) {
      const { auth } = readConfig({ HOST })
      assert.equal(auth.developmentKeyFile, null)
      assert.throws(() => requireIssuer({ auth }), refusal, HOST)
      requireIssuer(readConfig({ HOST, ...ISSUER }))
    }
  })
})

describe('algorithms', () => {
  test('are some of those with a public key', () => {
    for (const name of ALGORITHMS) assert.deepEqual(readConfig({ AUTH_ALGORITHMS: name }).auth.algorithms, [name])
    assert.deepEqual(readConfig({ AUTH_ALGORITHMS: ALGORITHMS.join(',') }).auth.algorithms, [...ALGORITHMS])
  })

  test('are never none, nor HMAC', () => {
    const refusal = new ConfigError(
      'Wrong settings. AUTH_ALGORITHMS: of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519: ' +
        'one or more, separated by commas',
    )
    for (const value of [
      'none',
      'HS256',
      'HS384',
      'HS512',
      'RS256,HS256',
      'RS256,none',
      'rs256',
      'RS256,',
      ',',
      'RS256, ES256',
      'RS1',
      'ES256K',
      'dir',
    ]) {
      assert.throws(() => readConfig({ AUTH_ALGORITHMS: value }), refusal, value)
    }
  })
})

test('the type of tokens is a media type', () => {
  for (const value of ['jwt', 'at+jwt', 'application/at+jwt']) {
    assert.equal(readConfig({ AUTH_TOKEN_TYPE: value }).auth.tokenType, value)
  }
  for (const value of ['at jwt', 'at+jwt;x', '"jwt"', 'x'.repeat(129)]) {
    assert.throws(() => readConfig({ AUTH_TOKEN_TYPE: value }), ConfigError, value)
  }
})

test('claims have names of visible characters', () => {
  for (const name of ['AUTH_BRANCHES_CLAIM', 'AUTH_USER_ID_CLAIM']) {
    for (const value of ['a b', 'zo\u00f6', 'x'.repeat(129), ' x']) {
      const refusal = new ConfigError(`Wrong settings. ${name}: up to 128 visible ASCII characters`)
      assert.throws(() => readConfig({ [name]: value }), refusal, value)
    }
  }
})

describe('the identity that a proxy says', () => {
  test('is a header, and whose word it is', () => {
    assert.deepEqual(readConfig(PROXY).auth.identity, {
      ...{ header: 'x-client-dn', proxies: ['10.0.0.0/8', '::1'], scopes: ['users:read'] },
    })
    assert.deepEqual(readConfig({ ...PROXY, AUTH_IDENTITY_SCOPES: 'operate,users:pii' }).auth.identity?.scopes, [
      ...['operate', 'users:pii'],
    ])
    assert.equal(readConfig({ AUTH_IDENTITY_SCOPES: 'operate' }).auth.identity, null)
  })

  test('is not believed of everybody: both are set, or neither', () => {
    const both = 'missing; all of AUTH_IDENTITY_HEADER, AUTH_IDENTITY_PROXIES are set, or none'
    for (const name of Object.keys(PROXY)) {
      const refusal = new ConfigError(`Wrong settings. ${name}: ${both}`)
      assert.throws(() => readConfig({ ...PROXY, [name]: '' }), refusal)
    }
  })

  test('comes from addresses that are some, in a header that is one, with scopes that there are', () => {
    for (const value of ['*', '0.0.0.0/0', '::/0', '10.0.0.0/33', 'proxy', '10.0.0.1,']) {
      assert.throws(
        () => readConfig({ ...PROXY, AUTH_IDENTITY_PROXIES: value }),
        /AUTH_IDENTITY_PROXIES: addresses/,
        value,
      )
    }
    for (const value of ['x client', 'x:y', 'x_client', 'zo\u00f6', 'x'.repeat(65)]) {
      assert.throws(
        () => readConfig({ ...PROXY, AUTH_IDENTITY_HEADER: value }),
        /AUTH_IDENTITY_HEADER: the name/,
        value,
      )
    }
    for (const value of ['users:all', 'users:read operate', 'users:read,', '*']) {
      assert.throws(
        () => readConfig({ ...PROXY, AUTH_IDENTITY_SCOPES: value }),
        /AUTH_IDENTITY_SCOPES: of users:read/,
        value,
      )
    }
  })

  test('has the scopes of the domain', () => {
    assert.deepEqual(SCOPE_NAMES, SCOPES)
  })
})
