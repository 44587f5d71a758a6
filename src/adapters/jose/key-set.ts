import { createLocalJWKSet, type JWK } from 'jose'

/** A public key that this service verifies with. */
export type Key = {
  /** All that makes it this key: the same key with another name is another. */
  id: string
  kid: string | undefined
  /** What it may have signed. */
  algorithms: ReadonlySet<string>
  /** jose's: gives the key for a token's header. */
  resolve: ReturnType<typeof createLocalJWKSet>
}
/** By id. */
export type KeySet = ReadonlyMap<string, Key>
export const NO_KEYS: KeySet = new Map()

const REASONS = ['malformed', 'symmetric', 'private', 'not for signatures', 'of no use here', 'weak'] as const
/** Why keys of a set are not used. */
export type Dropped = Partial<Record<(typeof REASONS)[number], number>>

/** An issuer has few: those of today, of tomorrow, and one for each algorithm. */
export const MAX_KEYS = 64
/** RFC 7518 section 3.3. Longer ones than MAX cost more to verify with than anybody needs. */
const MIN_RSA_BITS = 2_048
const MAX_RSA_BITS = 8_192
const MAX_KID_LENGTH = 256
/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1; `priv`: of post-quantum keys. */
const SECRET_PARTS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
/** What is read of a key. Certificates, and addresses of them, are not: nobody follows them. */
const PARTS = ['kty', 'kid', 'use', 'key_ops', 'alg', 'crv', 'n', 'e', 'x', 'y'] as const

/**
 * The keys of a JWK Set (RFC 7517 section 5) that are public, for signatures, and fit an algorithm of `algorithms`; keys that
 * are among `held` are taken over as they are. Null: that is no key set.
 */
export async function keySetOf(
  set: unknown,
  algorithms: readonly string[],
  held: KeySet = NO_KEYS,
): Promise<{ keys: KeySet; dropped: Dropped } | null> {
  const listed = isObject(set) ? set.keys : undefined
  if (!Array.isArray(listed) || listed.length > MAX_KEYS) return null
  const keys = new Map<string, Key>()
  const dropped: Dropped = {}
  for (const jwk of listed) {
    const key = await keyOf(jwk, algorithms, held)
    if (typeof key === 'string') dropped[key] = (dropped[key] ?? 0) + 1
    else keys.set(key.id, key)
  }
  return { keys, dropped }
}

async function keyOf(jwk: unknown, algorithms: readonly string[], held: KeySet): Promise<Key | keyof Dropped> {
  if (!isObject(jwk) || typeof jwk.kty !== 'string') return 'malformed'
  if (jwk.kty === 'oct') return 'symmetric'
  if (SECRET_PARTS.some((part) => Object.hasOwn(jwk, part))) return 'private'
  const { kid, use, key_ops: operations } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) return 'malformed'
  const isForSignatures = operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  if ((use !== undefined && use !== 'sig') || !isForSignatures) return 'not for signatures'
  const parts = Object.fromEntries(PARTS.flatMap((name) => (Object.hasOwn(jwk, name) ? [[name, jwk[name]]] : [])))
  const id = JSON.stringify(parts)
  const same = held.get(id)
  if (same) return same
  return newKey({ id, kid, jwk: parts as unknown as JWK, algorithms })
}

type NewKey = { id: string; kid: string | undefined; jwk: JWK; algorithms: readonly string[] }
async function newKey({ id, kid, jwk, algorithms }: NewKey): Promise<Key | keyof Dropped> {
  const resolve = createLocalJWKSet({ keys: [jwk] })
  const fitting = new Set<string>()
  for (const alg of algorithms) {
    // jose knows which kinds of key and which curve an algorithm takes, and refuses what is no such key.
    const key = await resolve({ alg }).catch(() => null)
    if (key === null) continue
    const { modulusLength } = key.algorithm as { modulusLength?: number }
    if (modulusLength !== undefined && (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS)) return 'weak'
    fitting.add(alg)
  }
  return fitting.size === 0 ? 'of no use here' : { id, kid, algorithms: fitting, resolve }
}

export type TokenHeader = { alg?: string | undefined; kid?: string | undefined }
/**
 * The one key that a token may be verified with. Undefined: none fits, or several do and the token does not say which.
 * `isUnknown`: no key here is called so; it may be a new one.
 */
export function choose(keys: KeySet, { alg, kid }: TokenHeader): { key: Key | undefined; isUnknown: boolean } {
  const named = [...keys.values()].filter((key) => kid === undefined || key.kid === kid)
  const fitting = named.filter(({ algorithms }) => algorithms.has(alg ?? ''))
  return { key: fitting.length === 1 ? fitting[0] : undefined, isUnknown: named.length === 0 }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
