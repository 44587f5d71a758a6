import { importJWK, SignJWT } from 'jose'
import type { Scope } from '../../domain/principal.ts'
import { DEVELOPMENT_ALGORITHM, developmentKey } from './development-key.ts'
import { type Claims, MAX_BRANCH_LENGTH, MAX_NAME_LENGTH, principals } from './principals.ts'

/** What stands in the tokens that this service signs for itself, and is asked of them. */
export const DEVELOPMENT = { issuer: 'urn:users-service:development', audience: 'users-service' }

export type DevelopmentClaims = {
  scopes: readonly Scope[]
  subject: string
  client?: string | undefined
  /** Absent: writes are not limited to branches. */
  branches?: readonly string[] | undefined
  userId?: number | undefined
  /** Below 0: it has expired already. */
  expiresInS: number
}
type Options = { developmentKeyFile: string; tokenType: string; branchesClaim: string; userIdClaim: string }

/** Signs a token with the development key, which is made when there is none. */
export async function developmentToken(options: Options, claims: DevelopmentClaims): Promise<string> {
  const { kid, ...jwk } = await developmentKey(options.developmentKeyFile)
  const nowS = Math.floor(Date.now() / 1_000)
  const payload = {
    scope: claims.scopes.join(' '),
    ...(claims.client === undefined ? {} : { client_id: claims.client }),
    ...(claims.branches === undefined ? {} : { [options.branchesClaim]: claims.branches }),
    ...(claims.userId === undefined ? {} : { [options.userIdClaim]: claims.userId }),
  }
  checkClaims(options, { ...payload, sub: claims.subject })
  return new SignJWT(payload)
    .setProtectedHeader({ alg: DEVELOPMENT_ALGORITHM, typ: options.tokenType, kid })
    .setIssuer(DEVELOPMENT.issuer)
    .setAudience(DEVELOPMENT.audience)
    .setSubject(claims.subject)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + claims.expiresInS)
    .sign(await importJWK(jwk, DEVELOPMENT_ALGORITHM))
}

/** Nobody is to wonder why a token that they were just given is refused. */
function checkClaims({ branchesClaim, userIdClaim }: Options, payload: Claims): void {
  try {
    principals({ branches: branchesClaim, userId: userIdClaim })(payload)
  } catch (cause) {
    const what = `Subject and client are 1 to ${MAX_NAME_LENGTH} visible ASCII characters, branches 1 to ${MAX_BRANCH_LENGTH}.`
    throw Object.assign(new Error(what, { cause }), { expected: true })
  }
}
