import { MatchersV3 } from '@pact-foundation/pact'
import type { Scope } from '../../../src/domain/principal.ts'

const { datetime, fromProviderState, integer, regex, string } = MatchersV3

export const TIME = datetime("yyyy-MM-dd'T'HH:mm:ss.SSSX", '2026-11-28T10:00:00.000Z')
export const USER_ID = 42
export const USERNAME = 'ann.lee'
export const TOKEN = 'a-token'
export const ETAG = regex('^"[^"]+"$', '"9d4a9880.3.p.5"')
export const JSON_TYPE = { 'Content-Type': regex('^application/json(?:;.*)?$', 'application/json; charset=utf-8') }
export const JSON_SENT = { 'Content-Type': 'application/json' }
export const PROBLEM_TYPE = {
  'Content-Type': regex('^application/problem[+]json(?:;.*)?$', 'application/problem+json; charset=utf-8'),
}

/** What the service's own test signs for us. Our tokens come from the organisation's issuer. */
export const BEARER = { Authorization: fromProviderState(`Bearer \${token}`, `Bearer ${TOKEN}`) }
export const sent = (headers: Record<string, string> = {}) => ({ authorization: `Bearer ${TOKEN}`, ...headers })
export const mayScopes = (...scopes: Scope[]): [string, { scopes: Scope[] }] => ['a token is shown', { scopes }]

/** A path with the number, or the name, of the one whom the provider state has made. */
export const userPath = (rest = '') => fromProviderState(`/v1/users/\${userId}${rest}`, `/v1/users/${USER_ID}${rest}`)
export const theUser = fromProviderState(`\${userId}`, USER_ID)

/** Refusals are told apart by their code, and by nothing else. */
export const problem = (status: number, code: string) => ({ status, code, detail: string('Why.') })
export const written = { userId: integer(USER_ID), version: integer(6) }
// biome-ignore lint/suspicious/noExplicitAny: whatever a consumer reads of it; that it is there is what the test is about.
export const jsonOf = async (answer: Response): Promise<any> => answer.json()
