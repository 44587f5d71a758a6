import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { authenticatorOf, quiet, refusalFor } from '../../../test/support/authenticators.ts'
import { makeKey, startIssuer, type TestIssuer } from '../../../test/support/issuer.ts'
import { bearer, developmentToken, developmentTokenIn } from '../../../test/support/tokens.ts'
import { readConfig } from '../../config.ts'
import { ALGORITHMS } from '../../config-auth.ts'
import { authenticator, type Options } from './authenticator.ts'

async function issued(t: TestContext, alg?: string): Promise<TestIssuer> {
  const issuer = await startIssuer(alg)
  t.after(issuer.close)
  return issuer
}
async function started(t: TestContext, issuer: TestIssuer, options: Parameters<typeof authenticatorOf>[1] = {}) {
  const authenticating = await authenticatorOf(issuer, options)
  t.after(authenticating.stop)
  return authenticating
}
async function dataDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-auth-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

test('says who shows a token, and what they may', async (t) => {
  const issuer = await issued(t)
  const { authenticate } = await started(t, issuer)
  const claims = {
    sub: 'zofia.wojcik',
    client_id: 'till',
    scope: 'openid users:read users:pii',
    branches: ['B001'],
    user_id: 7,
  }
  assert.deepEqual(await authenticate(bearer(issuer.token(claims))), {
    key: 'till\u0000zofia.wojcik',
    subject: 'zofia.wojcik',
    client: 'till',
    scopes: new Set(['users:read', 'users:pii']),
    branches: ['B001'],
    userId: 7,
  })
})

for (const alg of ALGORITHMS) {
  test(`takes tokens that are signed with ${alg}, where the settings list it, and only there`, async (t) => {
    const issuer = await issued(t, alg)
    const other = alg === 'ES256' ? 'RS256' : 'ES256'
    issuer.publish(issuer.key, makeKey(other))
    const taking = await started(t, issuer, { environment: { AUTH_ALGORITHMS: `${other},${alg}` } })
    const token = bearer(issuer.token())
    assert.equal((await taking.authenticate(token)).subject, 'zofia')
    const refusing = await started(t, issuer, { environment: { AUTH_ALGORITHMS: other } })
    await assert.rejects(refusing.authenticate(token), refusalFor('algorithm'))
  })
}

test('the type is compared as RFC 7515 section 4.1.9 has it', async (t) => {
  const issuer = await issued(t)
  const strict = await started(t, issuer)
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
    assert.ok(await strict.authenticate(bearer(issuer.token({}, { header: { typ } }))), typ)
  }
  const lax = await started(t, issuer, { environment: { AUTH_TOKEN_TYPE: 'jwt' } })
  assert.ok(await lax.authenticate(bearer(issuer.token({}, { header: { typ: 'JWT' } }))))
})

test('the scheme is written in any case', async (t) => {
  const issuer = await issued(t)
  const { authenticate } = await started(t, issuer)
  for (const scheme of ['bearer', 'BEARER', 'Bearer ']) assert.ok(await authenticate(`${scheme} ${issuer.token()}`))
})

test('a token without a key id is taken if exactly one key fits', async (t) => {
  const issuer = await issued(t)
  const { authenticate } = await started(t, issuer)
  const nameless = () => bearer(issuer.token({}, { header: { kid: undefined } }))
  assert.ok(await authenticate(nameless()))
  issuer.publish(issuer.key, makeKey('RS256'))
  const beside = await started(t, issuer)
  assert.ok(await beside.authenticate(nameless()), 'the other one is for another algorithm')
  issuer.publish(issuer.key, makeKey('ES256'))
  const two = await started(t, issuer)
  await assert.rejects(two.authenticate(nameless()), refusalFor('signature'))
  assert.ok(await two.authenticate(bearer(issuer.token())), 'one that names its key is taken all the same')
})

test('whoever was seen is known at once, until the token has expired, to the millisecond', async (t) => {
  const issuer = await issued(t)
  const clock = { nowMs: Date.now() }
  const expS = Math.floor(clock.nowMs / 1_000) + 60
  const { authenticate, seen } = await started(t, issuer, { now: () => clock.nowMs })
  const token = bearer(issuer.token({ exp: expS }))
  assert.equal(seen(token), undefined)
  const principal = await authenticate(token)
  assert.equal(seen(token), principal)
  clock.nowMs = (expS + 5) * 1_000 - 1
  assert.equal(seen(token), principal)
  assert.ok(await authenticate(token), 'a new signature would say the same')
  clock.nowMs += 1
  assert.equal(seen(token), undefined)
  await assert.rejects(authenticate(token), refusalFor('expired'))
  clock.nowMs -= 1
  assert.equal(seen(token), undefined, 'what had expired was forgotten')
})

test('a token that is not good yet becomes so within the skew, and is not remembered as bad', async (t) => {
  const issuer = await issued(t)
  const clock = { nowMs: Math.floor(Date.now() / 1_000) * 1_000 }
  const { authenticate, seen } = await started(t, issuer, { now: () => clock.nowMs })
  const token = bearer(issuer.token({ nbf: clock.nowMs / 1_000 + 60 }))
  clock.nowMs += 54_999
  await assert.rejects(authenticate(token), refusalFor('early'))
  assert.equal(seen(token), undefined)
  clock.nowMs += 1
  assert.ok(await authenticate(token))
})

test('the skew is the setting’s', async (t) => {
  const issuer = await issued(t)
  const nowS = Math.floor(Date.now() / 1_000)
  for (const skewS of [0, 300]) {
    const options = { environment: { AUTH_CLOCK_SKEW_S: String(skewS) }, now: () => nowS * 1_000 }
    const { authenticate } = await started(t, issuer, options)
    assert.ok(await authenticate(bearer(issuer.token({ exp: nowS - skewS + 1 }))))
    await assert.rejects(authenticate(bearer(issuer.token({ exp: nowS - skewS }))), refusalFor('expired'))
  }
})

test('a token that is good for longer than tokens are is refused', async (t) => {
  const issuer = await issued(t)
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000
  const options = { environment: { AUTH_LONGEST_TOKEN_S: '3600' }, now: () => nowMs }
  const { authenticate } = await started(t, issuer, options)
  const longest = nowMs / 1_000 + 3_600 + 5
  assert.ok(await authenticate(bearer(issuer.token({ exp: longest }))))
  for (const exp of [longest + 1, 1e300, Number.MAX_SAFE_INTEGER]) {
    await assert.rejects(authenticate(bearer(issuer.token({ exp }))), refusalFor('long'))
  }
})

test('the same token at the same time costs one signature, and a good one none after that', async (t) => {
  const issuer = await issued(t)
  const { authenticate, seen } = await started(t, issuer)
  const verify = t.mock.method(crypto.subtle, 'verify')
  const token = bearer(issuer.token())
  const all = await Promise.all(Array.from({ length: 50 }, () => authenticate(token)))
  assert.equal(verify.mock.callCount(), 1)
  assert.equal(new Set(all).size, 1)
  for (let i = 0; i < 1_000; i += 1) assert.equal(seen(token), all[0])
  assert.equal(verify.mock.callCount(), 1)
})

test('a bad token that many show at once is refused to all of them, and tried again', async (t) => {
  const issuer = await issued(t)
  const { authenticate, seen } = await started(t, issuer)
  const token = bearer(issuer.token({}, { key: { ...makeKey('ES256'), kid: issuer.key.kid } }))
  const verify = t.mock.method(crypto.subtle, 'verify')
  const all = await Promise.allSettled(Array.from({ length: 50 }, () => authenticate(token)))
  assert.ok(all.every(({ status }) => status === 'rejected'))
  assert.equal(seen(token), undefined)
  await assert.rejects(authenticate(token), refusalFor('signature'))
  assert.equal(verify.mock.callCount(), 2)
})

test('scopes that are the same are one object, whoever has them', async (t) => {
  const issuer = await issued(t)
  const { authenticate } = await started(t, issuer)
  const one = await authenticate(bearer(issuer.token({ sub: 'a', scope: 'users:read operate' })))
  const other = await authenticate(bearer(issuer.token({ sub: 'b', scope: 'operate x users:read' })))
  assert.equal(one.scopes, other.scopes)
})

test('without an issuer, tokens of the development key are taken, and the log warns of it', async (t) => {
  const config = readConfig({ DATA_DIR: await dataDir(t) })
  const warned: string[] = []
  const log = { ...quiet, warn: (_fields: object, message: string) => void warned.push(message) } as Options['log']
  const { authenticate, state } = await authenticator({ ...config.auth, log })
  const principal = await authenticate(
    bearer(await developmentToken(config, { subject: 'me', scopes: ['operate'], branches: [] })),
  )
  assert.deepEqual([principal.subject, [...principal.scopes], principal.branches], ['me', ['operate'], []])
  assert.match(warned.join(), /development key/)
  assert.deepEqual(state(), { ready: true, keysAgeMs: null, failing: false })
  const expired = await developmentToken(config, { expiresInS: -10 })
  await assert.rejects(authenticate(bearer(expired)), refusalFor('expired'))
  const elsewhere = await developmentTokenIn(await dataDir(t))
  await assert.rejects(authenticate(bearer(elsewhere)), refusalFor('signature'))
})

test('with an issuer, no token of the development key is', async (t) => {
  const issuer = await issued(t)
  const dir = await dataDir(t)
  const token = await developmentTokenIn(dir)
  const { authenticate } = await started(t, issuer, { environment: { DATA_DIR: dir } })
  await assert.rejects(authenticate(bearer(token)), refusalFor('signature'))
})

test('where others could reach the service, nothing starts without an issuer', async () => {
  await assert.rejects(authenticator({ ...readConfig({ HOST: '0.0.0.0' }).auth, log: quiet }), /without an issuer/)
})
