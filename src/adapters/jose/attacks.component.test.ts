import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { authenticatorOf, refusalFor } from '../../../test/support/authenticators.ts'
import {
  type IssuerKey,
  makeKey,
  signer,
  startIssuer,
  type TestIssuer,
  tokenByHand,
} from '../../../test/support/issuer.ts'
import { bearer } from '../../../test/support/tokens.ts'
import type { Authenticator } from '../../ports/authentication.ts'
import { MAX_TOKEN_BYTES } from './bearer.ts'
import type { Fault } from './refusal.ts'

/** Of each kind of key one, all of which are published. */
let issuer: TestIssuer
let rsa: IssuerKey
let auth: Authenticator
/** One who listens, and whom nobody may ask. */
let attacker: TestIssuer

before(async () => {
  issuer = await startIssuer('ES256')
  attacker = await startIssuer('RS256')
  rsa = makeKey('RS256')
  issuer.publish(issuer.key, rsa)
  auth = await authenticatorOf(issuer)
})
after(async () => {
  auth?.stop()
  await issuer?.close()
  await attacker?.close()
})

const claims = (more: object = {}) => {
  const iat = Math.floor(Date.now() / 1_000)
  return { iss: issuer.name, aud: issuer.audience, sub: 'eve', scope: 'operate', iat, exp: iat + 600, ...more }
}
const header = (key: IssuerKey, more: object = {}) => ({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...more })
const parts = (token: string) => token.split('.') as [string, string, string]
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function refuses(fault: Fault, authorization: string): Promise<void> {
  await assert.rejects(auth.authenticate(authorization), refusalFor(fault))
  assert.equal(auth.seen(authorization), undefined)
}

test('what these attacks spoil is good otherwise', async () => {
  for (const key of [issuer.key, rsa]) {
    const token = tokenByHand(header(key), claims(), signer(key.alg, key.privateKey))
    assert.equal((await auth.authenticate(bearer(token))).subject, 'eve')
  }
})

describe('without the issuer’s key', () => {
  test('alg none, in any case, with and without a signature', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      const unsigned = tokenByHand({ ...header(rsa), alg }, claims(), () => Buffer.alloc(0))
      await refuses('malformed', bearer(unsigned))
      await refuses('algorithm', bearer(tokenByHand({ ...header(rsa), alg }, claims(), () => Buffer.from('x'))))
    }
  })

  test('HMAC with the public key as the secret, in every form that it is known in', async () => {
    const secrets = [
      ...[rsa, issuer.key].flatMap(({ publicKey, jwk }) => [
        publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        publicKey.export({ type: 'spki', format: 'pem' }).toString().trim(),
        publicKey.export({ type: 'spki', format: 'der' }).toString('latin1'),
        JSON.stringify(jwk),
        String(jwk.n ?? jwk.x),
      ]),
      rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    ]
    for (const secret of secrets) {
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        await refuses('algorithm', bearer(tokenByHand({ ...header(rsa), alg }, claims(), signer(alg, secret))))
      }
    }
  })

  test('a key of one’s own, under the issuer’s name', async () => {
    for (const { kid, alg } of [issuer.key, rsa]) {
      await refuses('signature', bearer(issuer.token({}, { key: makeKey(alg, { kid }) })))
    }
  })

  test('a key of one’s own in the header, or an address of it: nobody is asked', async () => {
    const mine = attacker.key
    const url = attacker.jwksUrl
    for (const more of [
      { jwk: mine.jwk },
      { jwk: mine.jwk, kid: undefined },
      { jku: url },
      { jku: url, kid: rsa.kid },
      { x5u: url, x5c: [mine.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
      { jwk: mine.jwk, jku: url, x5u: url, kid: rsa.kid },
    ]) {
      const forged = tokenByHand(header(mine, more), claims(), signer(mine.alg, mine.privateKey))
      await refuses('signature', bearer(forged))
    }
    assert.deepEqual(attacker.asked, [])
  })

  test('another one’s header over the issuer’s signature', async () => {
    const [, payload, signature] = parts(issuer.token())
    for (const more of [
      { typ: 'JWT' },
      { kid: rsa.kid },
      { alg: 'RS256' },
      { alg: 'none' },
      { b64: false, crit: ['b64'] },
    ]) {
      const forged = `${encoded({ ...header(issuer.key), ...more })}.${payload}.${signature}`
      await assert.rejects(auth.authenticate(bearer(forged)), { code: 'token-invalid' })
    }
  })

  test('other claims, or another signature, each changed in one character', async () => {
    const token = issuer.token({ scope: 'users:read' })
    const [head, payload, signature] = parts(token)
    const raised = JSON.parse(Buffer.from(payload, 'base64url').toString())
    await refuses('signature', bearer(`${head}.${encoded({ ...raised, scope: 'operate' })}.${signature}`))
    for (const at of [0, 10, signature.length - 3]) {
      const other = signature[at] === 'A' ? 'B' : 'A'
      await refuses(
        'signature',
        bearer(`${head}.${payload}.${signature.slice(0, at)}${other}${signature.slice(at + 1)}`),
      )
    }
    assert.ok(await auth.authenticate(bearer(token)))
  })

  test('signatures of no length, of zeros, and one too long', async () => {
    const [head, payload, signature] = parts(issuer.token())
    await refuses('malformed', bearer(`${head}.${payload}.`))
    // CVE-2022-21449: ECDSA with r = s = 0.
    const zeros = Buffer.alloc(64).toString('base64url')
    for (const other of [zeros, `${signature}AAAA`, signature.slice(0, -10)]) {
      await refuses('signature', bearer(`${head}.${payload}.${other}`))
    }
  })
})

describe('with the issuer’s key, for something else', () => {
  test('an algorithm that fits the key and is not in the list', async () => {
    for (const alg of ['PS256', 'RS384', 'RS512']) {
      await refuses('algorithm', bearer(tokenByHand({ ...header(rsa), alg }, claims(), signer(alg, rsa.privateKey))))
    }
  })

  test('RS256 as PS256, where both are in the list: a key is for what it says', async () => {
    const strict = await authenticatorOf(issuer, { environment: { AUTH_ALGORITHMS: 'RS256,PS256,ES256' } })
    try {
      const token = tokenByHand({ ...header(rsa), alg: 'PS256' }, claims(), signer('PS256', rsa.privateKey))
      await assert.rejects(strict.authenticate(bearer(token)), refusalFor('signature'))
      const mixed = tokenByHand({ ...header(rsa), alg: 'PS256' }, claims(), signer('RS256', rsa.privateKey))
      await assert.rejects(strict.authenticate(bearer(mixed)), refusalFor('signature'))
    } finally {
      strict.stop()
    }
  })

  const rejected: [what: string, fault: Fault, more: Record<string, unknown>][] = [
    ['another audience', 'audience', { aud: 'payroll' }],
    ['audiences, none of them ours', 'audience', { aud: ['payroll', 'users-service2'] }],
    ['an audience that begins as ours', 'audience', { aud: 'users-service.example' }],
    ['an audience that is no text', 'audience', { aud: { 'users-service': true } }],
    ['no audience', 'claims', { aud: undefined }],
    ['another issuer', 'issuer', { iss: 'https://issuer.example.evil' }],
    ['the issuer with a slash more', 'issuer', { iss: 'https://issuer.example/' }],
    ['issuers', 'issuer', { iss: ['https://issuer.example'] }],
    ['no issuer', 'claims', { iss: undefined }],
    ['no end', 'claims', { exp: undefined }],
    ['an end in words', 'claims', { exp: '2099-01-01' }],
    ['an end of null', 'claims', { exp: null }],
    ['a beginning in words', 'claims', { nbf: 'now' }],
    ['an end long ago', 'expired', { exp: 1 }],
    ['an end below zero', 'expired', { exp: -1e300 }],
    ['a beginning in an hour', 'early', { nbf: Math.floor(Date.now() / 1_000) + 3_600 }],
    ['nobody', 'claims', { sub: undefined }],
    ['an empty subject', 'claims', { sub: '' }],
    ['a subject that is a number', 'claims', { sub: 7 }],
  ]
  for (const [what, fault, more] of rejected) {
    test(what, () => refuses(fault, bearer(issuer.token(more))))
  }

  test('audiences, one of them ours, are well', async () => {
    assert.ok(await auth.authenticate(bearer(issuer.token({ aud: ['payroll', 'users-service'] }))))
  })

  test('an ID token, a logout token, a security event, a token without a type', async () => {
    for (const typ of ['JWT', 'logout+jwt', 'secevent+jwt', 'application/jwt', 'at+jwt+x', 'x/at+jwt', '', undefined]) {
      await refuses('type', bearer(issuer.token({}, { header: { typ } })))
    }
  })

  test('crit, of what is not understood here', async () => {
    for (const crit of [['exp'], ['urn:x'], ['b64', 'urn:x'], [], 'b64', [7], {}]) {
      await refuses('malformed', bearer(issuer.token({}, { header: { crit, exp: 1, 'urn:x': 1, b64: true } })))
    }
    await refuses('malformed', bearer(issuer.token({}, { header: { crit: ['b64'], b64: false } })))
  })
})

describe('nonsense', () => {
  test('a key id that is a path, SQL, a name that objects have, no text, or very long', async () => {
    for (const kid of [
      ...['../../../../dev/null', '/etc/passwd', "x' UNION SELECT 'key", '__proto__', 'constructor', 'toString', ''],
      ...[7, null, true, {}, [], [issuer.key.kid], { toString: 'x' }, 'k'.repeat(5_000)],
    ]) {
      await refuses('signature', bearer(issuer.token({}, { header: { kid } })))
    }
  })

  test('two tokens in the header, other schemes, and what is none', async () => {
    const token = issuer.token()
    for (const authorization of [
      ...['', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer${token}`, `Bearer\t${token}`, `BearerX ${token}`],
      ...[`Bearer ${token} ${token}`, `Bearer ${token}, Bearer ${token}`, `Bearer ${token},${token}`],
      ...[` Bearer ${token}`, `Bearer ${token} `, `Bearer ${token}\n`, `Bearer "${token}"`, `Bearer token=${token}`],
      ...[
        `Bearer ${token}.`,
        `Bearer ${token}.AAAA.AAAA`,
        `Bearer .${token}`,
        'Bearer ..',
        'Bearer a.b',
        `Bearer ${token}=`,
      ],
    ]) {
      await refuses('malformed', authorization)
    }
    assert.ok(await auth.authenticate(bearer(token)))
  })

  test('parts that are no base64, no JSON, no object, or objects with a prototype', async () => {
    const by = signer(issuer.key.alg, issuer.key.privateKey)
    for (const head of ['', 'x', '[]', 'null', '{}', '{"alg":7}', '{"alg":"ES256"', '\u0000']) {
      await refuses('malformed', bearer(tokenByHand(head, claims(), by)))
    }
    for (const body of ['x', '[]', 'null', '7', '"x"', '{"sub":"x"', '\ufffe']) {
      await refuses('malformed', bearer(tokenByHand(header(issuer.key), body, by)))
    }
    const polluting = JSON.stringify(claims()).replace('{', '{"__proto__":{"branches":[],"client_id":"x"},')
    const principal = await auth.authenticate(bearer(tokenByHand(header(issuer.key), polluting, by)))
    assert.deepEqual([principal.branches, principal.client], [null, null])
    assert.equal(({} as { branches?: unknown }).branches, undefined)
  })

  test('a token over the length is not looked at', async (t) => {
    const verify = t.mock.method(crypto.subtle, 'verify')
    const longest = (more: number) => {
      const token = issuer.token({ pad: '' })
      const padded = issuer.token({ pad: 'x'.repeat(Math.floor(((MAX_TOKEN_BYTES - token.length) * 3) / 4) + more) })
      return padded
    }
    const fitting = longest(-2)
    assert.ok(fitting.length <= MAX_TOKEN_BYTES && fitting.length > MAX_TOKEN_BYTES - 10, String(fitting.length))
    assert.ok(await auth.authenticate(bearer(fitting)))
    const count = verify.mock.callCount()
    for (const token of [longest(4), longest(100_000), 'a.'.repeat(1_000_000), `${' '.repeat(1_000_000)}`]) {
      await refuses('malformed', bearer(token))
    }
    assert.equal(verify.mock.callCount(), count)
  })

  test('a deep one is refused like any other', async () => {
    const deep = `${'['.repeat(2_500)}${']'.repeat(2_500)}`
    await refuses('malformed', bearer(tokenByHand(deep, deep.slice(0, 100), () => Buffer.from('x'))))
  })
})
