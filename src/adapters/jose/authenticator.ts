import type { Principal } from '../../domain/principal.ts'
import type { Authenticator } from '../../ports/authentication.ts'
import type { Log } from '../../ports.ts'
import { bearerToken } from './bearer.ts'
import { DEVELOPMENT_ALGORITHM, developmentKey, publicHalf } from './development-key.ts'
import { DEVELOPMENT } from './development-token.ts'
import { issuerKeys } from './issuer-keys.ts'
import type { Timing } from './kept-keys.ts'
import { type KeySource, ownKey } from './key-source.ts'
import { tokenMemo } from './token-memo.ts'
import { tokenVerifier } from './token-verifier.ts'

export type Options = {
  /** Null: this service's own development key. */
  issuer: { name: string; audience: string; jwksUrl: string } | null
  /** Null: there must be an issuer. */
  developmentKeyFile: string | null
  algorithms: readonly string[]
  tokenType: string
  clockSkewS: number
  longestTokenS: number
  branchesClaim: string
  userIdClaim: string
  log: Log
  /** Wall clock. */
  now?: () => number
  timing?: Timing
}

/** Verifies tokens (docs/decisions/0036-tokens.md). Resolves also while the issuer is down. */
export async function authenticator(options: Options): Promise<Authenticator> {
  const { now = Date.now } = options
  const memo = tokenMemo()
  const { keys, signedBy } = await trusted(options, memo.forgetOtherThan)
  const verify = tokenVerifier({ ...expectedOf(options), ...signedBy }, keys, now)
  const pending = new Map<string, Promise<Principal>>()
  const verified = async (authorization: string): Promise<Principal> => {
    const found = await verify(bearerToken(authorization))
    memo.set(authorization, found)
    return found.principal
  }
  return {
    seen: (authorization) => memo.get(authorization, now()),
    authenticate(authorization) {
      // A terminal sends ten requests at once with the token that it was just given: one signature.
      const same = pending.get(authorization)
      if (same) return same
      const verifying = verified(authorization).finally(() => pending.delete(authorization))
      pending.set(authorization, verifying)
      return verifying
    },
    state: keys.state,
    stop: keys.stop,
  }
}

type Trusted = { keys: KeySource; signedBy: { issuer: string; audience: string; algorithms: readonly string[] } }

async function trusted(
  { issuer, developmentKeyFile, algorithms, log, timing }: Options,
  onGone: Parameters<typeof issuerKeys>[0]['onGone'],
): Promise<Trusted> {
  if (issuer !== null) {
    const keys = await issuerKeys({ url: issuer.jwksUrl, algorithms, onGone, log, timing })
    return { keys, signedBy: { issuer: issuer.name, audience: issuer.audience, algorithms } }
  }
  if (developmentKeyFile === null) throw new Error('without an issuer nobody but this machine is served')
  const key = await developmentKey(developmentKeyFile)
  log.warn(
    { file: developmentKeyFile },
    'no issuer is set: tokens are those of a development key, which whoever reads its file may sign with',
  )
  const signedBy = { ...DEVELOPMENT, algorithms: [DEVELOPMENT_ALGORITHM] }
  return { keys: await ownKey(publicHalf(key), DEVELOPMENT_ALGORITHM), signedBy }
}

function expectedOf(options: Options) {
  return {
    type: options.tokenType,
    clockSkewS: options.clockSkewS,
    longestTokenS: options.longestTokenS,
    claims: { branches: options.branchesClaim, userId: options.userIdClaim },
  }
}
