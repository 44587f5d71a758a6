import { type DevelopmentClaims, developmentToken } from './adapters/jose/development-token.ts'
import type { Config } from './config.ts'

export type TokenWanted = DevelopmentClaims

/** A token of the development key. Rejects with what whoever asked for it can mend. */
export async function mintToken({ auth }: Pick<Config, 'auth'>, wanted: TokenWanted): Promise<string> {
  const { issuer, developmentKeyFile } = auth
  if (issuer !== null) throw mendable('AUTH_ISSUER is set: tokens are the issuer’s, and none of ours is taken.')
  if (developmentKeyFile === null) throw mendable('HOST is not on this machine alone: there is no development key.')
  if (wanted.expiresInS > auth.longestTokenS) {
    throw mendable(`A token that is good for more than ${auth.longestTokenS} s (AUTH_LONGEST_TOKEN_S) is not taken.`)
  }
  return developmentToken({ ...auth, developmentKeyFile }, wanted)
}

const mendable = (what: string) => Object.assign(new Error(what), { expected: true })
