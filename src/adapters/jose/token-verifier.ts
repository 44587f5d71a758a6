import { jwtVerify } from 'jose'
import type { Principal } from '../../domain/principal.ts'
import type { Key } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { type ClaimNames, principals } from './principals.ts'
import { refusalOf, refused } from './refusal.ts'

/** What is asked of a token. */
export type Expected = {
  issuer: string
  audience: string
  algorithms: readonly string[]
  type: string
  clockSkewS: number
  longestTokenS: number
  claims: ClaimNames
}
/** `untilMs`: from then on it has expired. `keyId`: what it was verified with. */
export type Verified = { principal: Principal; untilMs: number; keyId: string }

/** RFC 9068 section 4, RFC 8725. `now`: wall clock. */
export function tokenVerifier(expected: Expected, keys: KeySource, now: () => number) {
  const principalOf = principals(expected.claims)
  return async (token: string): Promise<Verified> => {
    const atMs = now()
    let key: Key | undefined
    const { payload } = await jwtVerify(
      token,
      // What else a header says of keys (jwk, jku, x5c, x5u) is its sender's word, and not looked at.
      async ({ alg, kid }) => {
        key = await keys.keyFor({ alg, kid })
        return key.resolve({ alg })
      },
      {
        issuer: expected.issuer,
        audience: expected.audience,
        algorithms: [...expected.algorithms],
        typ: expected.type,
        clockTolerance: expected.clockSkewS,
        requiredClaims: ['exp', 'sub', 'iss', 'aud'],
        currentDate: new Date(atMs),
      },
    ).catch((error) => {
      throw refusalOf(error)
    })
    // It may have gone while the signature was checked.
    if (key === undefined || !keys.isCurrent(key)) throw refused('signature')
    const { exp = 0 } = payload
    if (exp > atMs / 1_000 + expected.longestTokenS + expected.clockSkewS) throw refused('long')
    return { principal: principalOf(payload), untilMs: (exp + expected.clockSkewS) * 1_000, keyId: key.id }
  }
}
