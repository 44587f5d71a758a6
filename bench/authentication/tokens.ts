import { randomUUID } from 'node:crypto'
import { makeKey, startIssuer } from '../../test/support/issuer.ts'
import { CONNECTIONS } from '../cases.ts'

/** As many as the load has connections: each terminal has one, and a token of its own. */
const CALLERS = CONNECTIONS
/** More than there are connections, as where a gateway stands between: what is kept of each is seldom at hand. */
const MANY = 1_000
/** What many issuers put in beside what is asked for (RFC 9068, OpenID Connect). */
const USUAL = {
  scope: 'openid profile users:read users:pii',
  client_id: 'point-of-sale-terminals',
  auth_time: 1_790_000_000,
  acr: 'urn:mace:incommon:iap:silver',
}

/** What tokens are signed with, and how many callers take turns. */
export const SHOWN = {
  ES256: { alg: 'ES256', callers: CALLERS },
  RS256: { alg: 'RS256', callers: CALLERS },
  'RS256, many': { alg: 'RS256', callers: MANY },
} as const
export type Shown = keyof typeof SHOWN
/** Whole values of the header. */
export type Tokens = Record<Shown, string[]>

/** An issuer with a key of each kind. `environment`: what the service is set to. */
export async function startTokens(stack: AsyncDisposableStack) {
  const issuer = await startIssuer('ES256')
  stack.defer(issuer.close)
  const keys = { ES256: issuer.key, RS256: makeKey('RS256') }
  issuer.publish(keys.ES256, keys.RS256)
  const shownBy = ({ alg, callers }: (typeof SHOWN)[Shown]) =>
    Array.from({ length: callers }, (_, i) => {
      const claims = { ...USUAL, sub: `terminal-${i}`, sid: randomUUID() }
      return `Bearer ${issuer.token(claims, { key: keys[alg] })}`
    })
  const entries = Object.entries(SHOWN).map(([shown, how]) => [shown, shownBy(how)])
  const tokens = Object.fromEntries(entries) as Tokens
  return { environment: issuer.environment, tokens }
}
