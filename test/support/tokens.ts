import { developmentToken as sign } from '../../src/adapters/jose/development-token.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { SCOPES, type Scope } from '../../src/domain/principal.ts'

export type TokenClaims = {
  /** Absent: all. */
  scopes?: readonly Scope[]
  subject?: string
  client?: string
  branches?: readonly string[]
  userId?: number
  /** Below 0: it has expired already. */
  expiresInS?: number
}
const AN_HOUR_S = 3_600

/** A token that a service without an issuer takes. The key is made when there is none yet. */
export async function developmentToken(
  { auth }: Pick<Config, 'dataDir' | 'auth'>,
  { scopes = SCOPES, subject = 'tester', expiresInS = AN_HOUR_S, ...claims }: TokenClaims = {},
): Promise<string> {
  const { developmentKeyFile } = auth
  if (developmentKeyFile === null) throw new Error('HOST is not on loopback: no development key')
  return sign({ ...auth, developmentKeyFile }, { ...claims, scopes, subject, expiresInS })
}

/** Of a service that another process runs with this DATA_DIR, and the defaults of AUTH_… */
export async function developmentTokenIn(dataDir: string, claims?: TokenClaims): Promise<string> {
  return developmentToken(readConfig({ DATA_DIR: dataDir }), claims)
}

/** The header's value. */
export const bearer = (token: string): string => `Bearer ${token}`
