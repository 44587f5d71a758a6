import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { authenticatorOf, quiet, refusalFor } from '../../../test/support/authenticators.ts'
import { type Answering, makeKey, signer, startIssuer, tokenByHand } from '../../../test/support/issuer.ts'
import { manualClock } from '../../../test/support/manual-clock.ts'
import { until } from '../../../test/support/service.ts'
import { bearer } from '../../../test/support/tokens.ts'
import type { Options } from './authenticator.ts'
import { UNKNOWN_KEY_EVERY_MS } from './issuer-keys.ts'
import { FIRST_RETRY_MS, LAST_RETRY_MS, REFRESH_EVERY_MS } from './kept-keys.ts'

const DEADLINE_MS = 5_000
const UNAVAILABLE = { code: 'issuer-unavailable' }
/** Everything that an issuer may say instead of its keys. */
const ILL: Record<string, Answering> = {
  'a closed connection': { kind: 'closed' },
  'an error': { kind: 'keys', status: 500 },
  'another status': { kind: 'keys', status: 203 },
  'no JSON': { kind: 'text', text: '<html>maintenance</html>' },
  nothing: { kind: 'text', text: '' },
  null: { kind: 'text', text: 'null' },
  'a list': { kind: 'text', text: '[]' },
  'no set': { kind: 'text', text: '{"key":[]}' },
  'a set of something else': { kind: 'text', text: '{"keys":{"0":{}}}' },
  'an empty set': { kind: 'text', text: '{"keys":[]}' },
  'a set of nothings': { kind: 'text', text: '{"keys":[null,7,"x",[],{}]}' },
  'a huge answer': { kind: 'huge' },
}

/** An issuer, and an authenticator that knows its keys; time passes when told to. */
async function rig(t: TestContext, { answering }: { answering?: Answering } = {}) {
  const issuer = await startIssuer()
  t.after(issuer.close)
  if (answering) issuer.answer(answering)
  const timing = manualClock()
  const said: string[] = []
  const note = (_fields: object, message: string) => void said.push(message)
  const log = { ...quiet, info: note, warn: note } as Options['log']
  const auth = await authenticatorOf(issuer, { timing, log })
  t.after(auth.stop)
  /** Lets just so much time pass until a fetch is due, and waits for what becomes of it. */
  const fetched = async (ms: number) => {
    const before = issuer.asked.length
    timing.advance(ms - 1)
    assert.equal(timing.pending(), 1, `asked before ${ms} ms had passed`)
    timing.advance(1)
    await until('the issuer was asked', async () => issuer.asked.length > before)
    await until('its answer was taken in', async () => timing.pending() === 1)
  }
  return { issuer, auth, timing, said, fetched, show: (token: string) => auth.authenticate(bearer(token)) }
}

test('keys are fetched once at the start, and then now and then', async (t) => {
  const { issuer, auth, show, fetched, timing } = await rig(t)
  for (let i = 0; i < 20; i += 1) assert.ok(await show(issuer.token()))
  assert.deepEqual(issuer.asked, ['/keys'])
  timing.advance(REFRESH_EVERY_MS - 1)
  assert.equal(issuer.asked.length, 1)
  assert.deepEqual(auth.state(), { ready: true, keysAgeMs: REFRESH_EVERY_MS - 1, failing: false })
  await fetched(1)
  assert.deepEqual(auth.state(), { ready: true, keysAgeMs: 0, failing: false })
  await fetched(REFRESH_EVERY_MS)
  assert.equal(issuer.asked.length, 3)
})

test('a new key is found when its first token comes, and all who bring one wait for the same answer', async (t) => {
  const { issuer, show } = await rig(t)
  const next = makeKey('RS256')
  issuer.publish(issuer.key, next)
  const tokens = Array.from({ length: 30 }, (_, i) => issuer.token({ sub: `p${i}` }, { key: next }))
  const principals = await Promise.all(tokens.map(show))
  assert.equal(principals.length, 30)
  assert.equal(issuer.asked.length, 2)
  assert.ok(await show(issuer.token()), 'the one before is good still')
})

test('made-up key ids have the issuer asked once in an interval, however many there are', async (t) => {
  const { issuer, timing, show } = await rig(t)
  const forged = () => issuer.token({}, { header: { kid: `kid-${Math.random()}` } })
  for (let interval = 1; interval <= 3; interval += 1) {
    const all = await Promise.allSettled(Array.from({ length: 200 }, () => show(forged())))
    assert.ok(all.every((one) => one.status === 'rejected' && one.reason.code === 'token-invalid'))
    timing.advance(UNKNOWN_KEY_EVERY_MS - 1)
    await assert.rejects(show(forged()), refusalFor('signature'))
    assert.equal(issuer.asked.length, 1 + interval)
    timing.advance(1)
  }
  assert.ok(await show(issuer.token()))
})

test('while the issuer is being asked, it is not asked beside that', async (t) => {
  const { issuer, auth, timing, show } = await rig(t)
  const held = Promise.withResolvers<void>()
  issuer.answer({ kind: 'keys', after: held.promise })
  timing.advance(REFRESH_EVERY_MS)
  await until('the issuer was asked', async () => issuer.asked.length === 2)
  const showing = assert.rejects(show(issuer.token({}, { key: makeKey('ES256') })), refusalFor('signature'))
  held.resolve()
  await showing
  await until('all has been taken in', async () => timing.pending() === 1 && auth.state().keysAgeMs === 0)
  assert.equal(issuer.asked.length, 2)
})

test('tokens of an algorithm that is not taken, or of a known key, have nobody asked', async (t) => {
  const { issuer, show } = await rig(t)
  for (const header of [{ alg: 'HS256', kid: 'x' }, { alg: 'none', kid: 'x' }, { alg: 'RS256' }]) {
    const forged = tokenByHand(
      { ...header, kid: header.kid ?? issuer.key.kid, typ: 'at+jwt' },
      {},
      signer('HS256', 'x'),
    )
    await assert.rejects(show(forged), { code: 'token-invalid' })
  }
  assert.equal(issuer.asked.length, 1)
})

test('tokens of a key that has been withdrawn are refused at once, and no others', async (t) => {
  const { issuer, auth, show, fetched } = await rig(t)
  const next = makeKey('ES256')
  issuer.publish(issuer.key, next)
  const [old, kept] = [issuer.token(), issuer.token({}, { key: next })]
  const [, principal] = [await show(old), await show(kept)]
  assert.ok(auth.seen(bearer(old)))
  issuer.publish(next)
  await fetched(REFRESH_EVERY_MS)
  assert.equal(auth.seen(bearer(old)), undefined)
  assert.equal(auth.seen(bearer(kept)), principal)
  await assert.rejects(show(old), refusalFor('signature'))
  issuer.publish(next, issuer.key)
  await fetched(REFRESH_EVERY_MS)
  assert.ok(await show(old), 'it is one of theirs again')
})

test('another key under the same name is another key', async (t) => {
  const { issuer, auth, show, fetched } = await rig(t)
  const token = issuer.token()
  await show(token)
  const other = makeKey('ES256', { kid: issuer.key.kid })
  issuer.publish(other)
  await fetched(REFRESH_EVERY_MS)
  assert.equal(auth.seen(bearer(token)), undefined)
  await assert.rejects(show(token), refusalFor('signature'))
  assert.ok(await show(issuer.token({}, { key: other })))
})

test('a signature that was being checked while its key was withdrawn counts for nothing', async (t) => {
  const { issuer, auth, fetched, timing } = await rig(t)
  issuer.publish(makeKey('ES256'))
  const verified = Promise.withResolvers<void>()
  const real = crypto.subtle.verify.bind(crypto.subtle)
  t.mock.method(crypto.subtle, 'verify', async (...args: Parameters<typeof real>) => {
    const isGood = await real(...args)
    await verified.promise
    return isGood
  })
  const token = bearer(issuer.token())
  const showing = auth.authenticate(token)
  const refused = assert.rejects(showing, refusalFor('signature'))
  await fetched(REFRESH_EVERY_MS)
  assert.equal(timing.pending(), 1)
  verified.resolve()
  await refused
  assert.equal(auth.seen(token), undefined)
})

for (const [what, answering] of Object.entries(ILL)) {
  test(`an issuer that answers ${what} for hours keeps nobody out, and is asked less and less`, async (t) => {
    const { issuer, auth, show, fetched, said } = await rig(t)
    issuer.answer(answering)
    await fetched(REFRESH_EVERY_MS)
    for (const retryMs of [1, 2, 4, 8, 16, 32, 64].map((times) => times * FIRST_RETRY_MS)) await fetched(retryMs)
    for (let i = 0; i < 10; i += 1) await fetched(LAST_RETRY_MS)
    assert.ok(await show(issuer.token()))
    const { ready, failing, keysAgeMs } = auth.state()
    assert.deepEqual([ready, failing], [true, true])
    assert.ok(Number(keysAgeMs) > REFRESH_EVERY_MS + 10 * LAST_RETRY_MS)
    const complaints = said.filter((text) => text.includes('could not be fetched'))
    assert.equal(complaints.length, 1, 'said once, not at each try')
    assert.match(complaints[0] ?? '', /the last ones are kept/)

    const next = makeKey('ES256')
    await assert.rejects(show(issuer.token({}, { key: next })), UNAVAILABLE, 'who could tell whether it is theirs?')
    issuer.publish(next)
    issuer.answer('keys')
    await fetched(LAST_RETRY_MS)
    assert.ok(await show(issuer.token({}, { key: next })))
    assert.equal(auth.state().failing, false)
    assert.ok(said.includes('the issuer’s keys are fetched again'))
  })

  test(`an issuer that answers ${what} at the start keeps everybody waiting, until it has its keys`, async (t) => {
    const { issuer, auth, show, fetched } = await rig(t, { answering })
    assert.deepEqual(auth.state(), { ready: false, keysAgeMs: null, failing: true })
    const asked = issuer.asked.length
    await assert.rejects(show(issuer.token()), UNAVAILABLE)
    await assert.rejects(show(issuer.token({}, { header: { alg: 'none' } })), refusalFor('algorithm'))
    assert.equal(issuer.asked.length, asked, 'requests do not have it asked')
    issuer.answer('keys')
    await fetched(FIRST_RETRY_MS)
    assert.ok(await show(issuer.token()))
  })
}

test('a redirect to somebody else’s keys is not followed', async (t) => {
  const attacker = await startIssuer()
  t.after(attacker.close)
  const { issuer, show, fetched } = await rig(t)
  issuer.answer({ kind: 'redirect', to: attacker.jwksUrl })
  await fetched(REFRESH_EVERY_MS)
  assert.deepEqual(attacker.asked, [])
  assert.ok(await show(issuer.token()))
  await assert.rejects(show(issuer.token({}, { key: attacker.key })), UNAVAILABLE)
})

test('of a poisoned set only what may be used is', async (t) => {
  const { issuer, show, fetched, said } = await rig(t)
  const leaked = makeKey('ES256')
  const secret = Buffer.from('a secret that everybody knows').toString('base64url')
  const symmetric = { kty: 'oct', k: secret, kid: 'shared', alg: 'HS256', use: 'sig' }
  const asIfPublic = { ...symmetric, alg: 'ES256', kid: 'shared2' }
  issuer.publish(issuer.key, symmetric, asIfPublic, { ...leaked.privateKey.export({ format: 'jwk' }), kid: leaked.kid })
  await fetched(REFRESH_EVERY_MS)
  assert.ok(await show(issuer.token()))
  await assert.rejects(show(issuer.token({}, { key: leaked })), refusalFor('signature'))
  for (const alg of ['HS256', 'ES256']) {
    const header = { alg, kid: 'shared', typ: 'at+jwt' }
    const forged = tokenByHand(header, {}, signer('HS256', 'a secret that everybody knows'))
    await assert.rejects(show(forged), { code: 'token-invalid' })
  }
  await fetched(REFRESH_EVERY_MS)
  assert.equal(said.filter((text) => text === 'keys of the issuer are not used').length, 1, 'said once')
})

test('an issuer that never answers, or never ends, is given up, and the service starts without it', async (t) => {
  // Sooner than is usual; that there is a deadline is what is shown.
  const { timeout } = AbortSignal
  const deadlines = t.mock.method(AbortSignal, 'timeout', (ms: number) => timeout.call(AbortSignal, ms / 50))
  const kinds = ['silent', 'partial'] as const
  for (const { auth, show, issuer } of await Promise.all(kinds.map((kind) => rig(t, { answering: { kind } })))) {
    assert.equal(auth.state().ready, false)
    await assert.rejects(show(issuer.token()), UNAVAILABLE)
  }
  assert.deepEqual(
    deadlines.mock.calls.map((call) => call.arguments),
    [[DEADLINE_MS], [DEADLINE_MS]],
  )
})

test('stopped, it asks nobody any more', async (t) => {
  const { auth, timing, issuer } = await rig(t)
  auth.stop()
  assert.equal(timing.pending(), 0)
  timing.advance(10 * REFRESH_EVERY_MS)
  assert.equal(issuer.asked.length, 1)
})

test('stopped in the midst of asking, it leaves off', async (t) => {
  const { auth, timing, issuer } = await rig(t)
  issuer.answer({ kind: 'silent' })
  timing.advance(REFRESH_EVERY_MS)
  await until('the issuer was asked', async () => issuer.asked.length === 2)
  auth.stop()
  await until('the last try has ended', async () => auth.state().failing)
  assert.equal(timing.pending(), 0)
})
