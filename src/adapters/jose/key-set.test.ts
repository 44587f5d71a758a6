import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeKey } from '../../../test/support/issuer.ts'
import { choose, type Dropped, keySetOf, MAX_KEYS } from './key-set.ts'

const ALL = ['RS256', 'PS256', 'ES256', 'EdDSA']
const RSA = makeKey('RS256')
const EC = makeKey('ES256')
const ED = makeKey('EdDSA')

/** Of the first key alone: what it may have signed, or why it is not used. */
async function judged(jwk: unknown, algorithms = ALL): Promise<string[] | Dropped | null> {
  const set = await keySetOf({ keys: [jwk] }, algorithms)
  const [key] = [...(set?.keys.values() ?? [])]
  return key ? [...key.algorithms] : (set?.dropped ?? null)
}
const without = (jwk: object, ...names: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))

test('a key is for what it says, or else for all that takes its kind', async () => {
  assert.deepEqual(await judged(RSA.jwk), ['RS256'])
  assert.deepEqual(await judged(without(RSA.jwk, 'alg', 'use', 'kid')), ['RS256', 'PS256'])
  assert.deepEqual(await judged(without(EC.jwk, 'alg')), ['ES256'])
  assert.deepEqual(await judged(without(ED.jwk, 'alg')), ['EdDSA'])
  assert.deepEqual(await judged({ ...RSA.jwk, key_ops: ['verify'] }), ['RS256'])
})

test('what is no public key for signatures that are taken is not used, and why is counted', async () => {
  const secret = { kty: 'oct', k: 'c2VjcmV0' }
  const refusals: [jwk: unknown, why: keyof Dropped][] = [
    ...[null, 7, 'x', [], {}, { kty: 7 }, { ...EC.jwk, kid: 7 }, { ...EC.jwk, kid: 'k'.repeat(257) }].map(
      (jwk): [unknown, keyof Dropped] => [jwk, 'malformed'],
    ),
    [secret, 'symmetric'],
    [{ ...secret, alg: 'ES256' }, 'symmetric'],
    [EC.privateKey.export({ format: 'jwk' }), 'private'],
    [RSA.privateKey.export({ format: 'jwk' }), 'private'],
    [{ ...EC.jwk, d: null }, 'private'],
    [{ ...RSA.jwk, k: 'AQAB' }, 'private'],
    [{ ...EC.jwk, use: 'enc' }, 'not for signatures'],
    [{ ...EC.jwk, use: ['sig'] }, 'not for signatures'],
    [{ ...EC.jwk, key_ops: ['sign'] }, 'not for signatures'],
    [{ ...EC.jwk, key_ops: 'verify' }, 'not for signatures'],
    [{ ...EC.jwk, alg: 'ES384' }, 'of no use here'],
    [{ ...EC.jwk, alg: 7 }, 'of no use here'],
    [{ ...EC.jwk, crv: 'P-384' }, 'of no use here'],
    [{ ...EC.jwk, kty: 'RSA' }, 'of no use here'],
    [{ ...EC.jwk, x: EC.jwk.y }, 'of no use here'],
    [without(EC.jwk, 'y'), 'of no use here'],
    [makeKey('ES384').jwk, 'of no use here'],
    [{ ...RSA.jwk, n: '' }, 'weak'],
    [makeKey('RS256', { bits: 1_024 }).jwk, 'weak'],
  ]
  for (const [jwk, why] of refusals) assert.deepEqual(await judged(jwk), { [why]: 1 }, JSON.stringify(jwk))
})

test('an RSA key has 2048 to 8192 bits', async () => {
  const modulus = (bits: number) => Buffer.alloc(bits / 8, 0xff).toString('base64url')
  assert.deepEqual(await judged({ ...RSA.jwk, n: modulus(8_192) }), ['RS256'])
  assert.deepEqual(await judged({ ...RSA.jwk, n: modulus(8_200) }), { weak: 1 })
  assert.deepEqual(await judged({ ...RSA.jwk, n: modulus(2_040) }), { weak: 1 })
})

test('a bad key spoils none beside it', async () => {
  const set = await keySetOf({ keys: [null, { kty: 'oct', k: 'x' }, EC.jwk, { kty: 'oct', k: 'y' }, RSA.jwk] }, ALL)
  assert.deepEqual([set?.keys.size, set?.dropped], [2, { malformed: 1, symmetric: 2 }])
})

test('what is no set is none, nor is one of too many keys', async () => {
  for (const set of [
    null,
    undefined,
    [],
    'x',
    {},
    { keys: null },
    { keys: {} },
    { keys: Array(MAX_KEYS + 1).fill(null) },
  ]) {
    assert.equal(await keySetOf(set, ALL), null)
  }
  const most = await keySetOf({ keys: Array.from({ length: MAX_KEYS }, (_, i) => ({ ...EC.jwk, kid: `k${i}` })) }, ALL)
  assert.equal(most?.keys.size, MAX_KEYS)
})

test('a key that is there already is taken over; one that differs in anything is another', async () => {
  const before = await keySetOf({ keys: [EC.jwk, RSA.jwk] }, ALL)
  assert.ok(before)
  const changed = { ...EC.jwk, kid: 'renamed' }
  const afterwards = await keySetOf({ keys: [{ ...RSA.jwk, x5c: ['new'] }, changed] }, ALL, before.keys)
  const same = [...(afterwards?.keys.values() ?? [])].filter((key) => [...before.keys.values()].includes(key))
  assert.deepEqual(
    same.map(({ kid }) => kid),
    [RSA.kid],
  )
})

test('the key of a token is the only one that it can mean', async () => {
  const twin = makeKey('ES256', { kid: EC.kid })
  const namesake = makeKey('RS256', { kid: EC.kid })
  const keys = async (...jwks: object[]) => (await keySetOf({ keys: jwks }, ALL))?.keys ?? new Map()
  const chosen = async (header: { alg?: string; kid?: string }, ...jwks: object[]) => {
    const { key, isUnknown } = choose(await keys(...jwks), header)
    return key ? [...key.algorithms].join() : isUnknown
  }
  const { kid } = EC
  assert.equal(await chosen({ alg: 'ES256', kid }, EC.jwk, RSA.jwk), 'ES256')
  assert.equal(await chosen({ alg: 'ES256' }, EC.jwk, RSA.jwk), 'ES256')
  assert.equal(await chosen({ alg: 'ES256', kid }, EC.jwk, namesake.jwk), 'ES256')
  assert.equal(await chosen({ alg: 'ES256', kid }, EC.jwk, twin.jwk), false)
  assert.equal(await chosen({ alg: 'ES256' }, EC.jwk, makeKey('ES256').jwk), false)
  assert.equal(await chosen({ alg: 'RS256', kid }, EC.jwk, RSA.jwk), false)
  assert.equal(await chosen({ alg: 'ES256', kid: 'new' }, EC.jwk, RSA.jwk), true)
  assert.equal(await chosen({ alg: 'ES256', kid }, without(EC.jwk, 'kid')), true)
  assert.equal(await chosen({}, EC.jwk), false)
})
