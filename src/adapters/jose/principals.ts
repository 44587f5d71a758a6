import { LRUCache } from 'lru-cache'
import { type Principal, principalKey, SCOPES, type Scope } from '../../domain/principal.ts'
import { refused } from './refusal.ts'

/** They stand in logs and in the audit. */
export const MAX_NAME_LENGTH = 128
/** Visible ASCII, blanks between. */
const NAME = new RegExp(`^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,${MAX_NAME_LENGTH - 2}}[\\x21-\\x7e])?$`)
export const isName = (value: unknown): value is string => typeof value === 'string' && NAME.test(value)

/** More branches than a region has; their token would not be taken either (MAX_TOKEN_BYTES). */
const MAX_BRANCHES = 1_000
export const MAX_BRANCH_LENGTH = 64
const BRANCH = new RegExp(`^[\\x21-\\x7e]{1,${MAX_BRANCH_LENGTH}}$`)
const MAX_KEYS_SHARED = 50_000

/** `branches`, `userId`: claims. */
export type ClaimNames = { branches: string; userId: string }
export type Claims = Record<string, unknown>

/**
 * Makes principals of verified claims. `key` and `scopes` of the same text are the same object, so that comparing them costs
 * nothing and thousands of tokens keep one. Throws `token-invalid` where a claim is there that is not understood: what
 * would limit somebody is never taken for its absence.
 */
export function principals(names: ClaimNames) {
  const keys = sharedTexts()
  return (claims: Claims): Principal => {
    const { sub: subject } = claims
    if (!isName(subject)) throw refused('claims')
    const client = clientOf(claims)
    return Object.freeze({
      key: keys(principalKey({ subject, client })),
      subject,
      client,
      scopes: scopesOf(claims),
      branches: branchesOf(own(claims, names.branches)),
      userId: userIdOf(own(claims, names.userId)),
    })
  }
}

/** Gives the first one that was equal, of those asked for lately. */
export function sharedTexts(): (text: string) => string {
  // By size, each of 1: by number, the places of all would be laid out at once, at every start.
  const held = new LRUCache<string, string>({ maxSize: MAX_KEYS_SHARED, sizeCalculation: () => 1 })
  return (text) => {
    const same = held.get(text)
    if (same === undefined) held.set(text, text)
    return same ?? text
  }
}

/** The claim may be called as something that every object has. */
function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

/** RFC 9068 section 2.2 has `client_id`; OpenID Connect `azp`. */
function clientOf({ client_id: clientId, azp }: Claims): string | null {
  const client = clientId === undefined ? azp : clientId
  if (client === undefined) return null
  if (!isName(client)) throw refused('claims')
  return client
}

/** RFC 8693 section 4.2; `scp` is what some issuers call it. Scopes of other services are none of ours. */
function scopesOf({ scope, scp }: Claims): ReadonlySet<Scope> {
  const given = scope === undefined ? (scp ?? '') : scope
  const words = typeof given === 'string' ? given.split(' ') : given
  if (!Array.isArray(words) || (scope !== undefined && typeof scope !== 'string')) throw refused('claims')
  return scopeSet(SCOPES.filter((known) => words.includes(known)))
}

const SCOPE_SETS = new Map<string, ReadonlySet<Scope>>()
/** There are as many as ways to choose among SCOPES. */
export function scopeSet(scopes: readonly Scope[]): ReadonlySet<Scope> {
  const sorted = SCOPES.filter((scope) => scopes.includes(scope))
  const name = sorted.join(' ')
  const same = SCOPE_SETS.get(name) ?? new Set(sorted)
  SCOPE_SETS.set(name, same)
  return same
}

function branchesOf(claim: unknown): string[] | null {
  if (claim === undefined) return null
  const isList = Array.isArray(claim) && claim.length <= MAX_BRANCHES
  if (!isList || !claim.every((branch) => typeof branch === 'string' && BRANCH.test(branch))) throw refused('claims')
  return claim
}

/** Some issuers have attributes of people as text only. */
function userIdOf(claim: unknown): number | null {
  if (claim === undefined) return null
  const userId = typeof claim === 'string' && /^[1-9]\d{0,15}$/.test(claim) ? Number(claim) : claim
  if (typeof userId !== 'number' || !Number.isSafeInteger(userId) || userId < 1) throw refused('claims')
  return userId
}
