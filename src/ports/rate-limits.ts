import type { Principal } from '../domain/principal.ts'

/**
 * What costs alike is counted together. `read`: of one user, or of the catalogue. `search`: lists, rosters, histories, what other
 * services are asked for. `write`: commands.
 */
export const LOADS = ['read', 'search', 'write'] as const
export type Load = (typeof LOADS)[number]

/** Methods that change nothing: RFC 9110 section 9.2.1. */
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE']
/** What a request counts as: what its route says, or else what its method does. */
export const loadOf = (method: string, said?: Load): Load => said ?? (SAFE.includes(method) ? 'read' : 'write')

/** Where a caller stands with one class of requests, this one counted. `resetS`: when all is as at first again. */
export type Standing = { allowed: boolean; limit: number; remaining: number; resetS: number }

export type RateLimits = {
  /** In this process alone, and at once: for `read` and `search`. Null: there is no limit. */
  here(load: 'read' | 'search', caller: Pick<Principal, 'key'>): Standing | null
  /** What `here` has counted, and will be counted once more where it is answered. */
  giveBack(load: 'read' | 'search', caller: Pick<Principal, 'key'>): void
  /** By all replicas together; in this one alone while Redis does not answer. Never rejects. */
  shared(load: 'write', caller: Pick<Principal, 'key'>): Promise<Standing | null>
  /** One that showed no token, or a bad one, from this address: before the next is looked at. `take` false only looks. */
  refused(address: string, take: boolean): Standing | null
}
