import { SCOPES } from '../src/domain/principal.ts'
import { bearer, developmentTokenIn, type TokenClaims } from '../test/support/tokens.ts'

/** What a request shows of who asks. */
export type Credentials = { authorization: string }

/** Longer than any run. */
const EXPIRES_IN_S = 43_200

/** Of somebody who may do everything but for `claims`, for processes with this DATA_DIR and without an issuer. */
export async function credentialsIn(dataDir: string, claims: TokenClaims = {}): Promise<Credentials> {
  const all = { scopes: SCOPES, subject: 'load', expiresInS: EXPIRES_IN_S }
  return { authorization: bearer(await developmentTokenIn(dataDir, { ...all, ...claims })) }
}

/**
 * Settings under which no load is refused: each is to use up what there is. Every request is counted and every answer says
 * so, as in production: the most that may be allowed, and not none at all.
 */
export const NOTHING_REFUSED = {
  RATE_LIMIT_READS: '999999999',
  RATE_LIMIT_SEARCHES: '999999999',
  RATE_LIMIT_WRITES: '999999999',
  OVERLOAD_SEARCHES_DELAY_MS: '0',
  OVERLOAD_DELAY_MS: '0',
}
