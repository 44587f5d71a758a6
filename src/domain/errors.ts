/**
 * Every way in which a rule of the domain, or the state of the world, can refuse a request. One list, so that the table
 * from code to HTTP status (plugins/errors.ts) does not compile while a code has no status.
 */
export type ErrorCode =
  | 'user-not-found'
  | 'role-not-found'
  | 'neighbour-not-found'
  | 'route-not-found'
  | 'mode-not-allowed'
  | 'user-terminated'
  | 'username-taken'
  | 'branch-not-assigned'
  | 'branch-is-home'
  | 'branch-has-grants'
  | 'too-many'
  | 'role-in-use'
  | 'limit-unknown'
  | 'limit-out-of-range'
  | 'invalid-cursor'
  | 'ids-stand-alone'
  | 'permission-twice'
  | 'version-conflict'
  | 'version-unknown'
  | 'idempotency-key-reused'
  | 'idempotency-key-in-use'
  | 'token-missing'
  | 'token-invalid'
  | 'issuer-unavailable'
  | 'missing-scope'
  | 'not-your-branch'
  | 'not-yourself'
  | 'role-not-yours'
  | 'too-many-requests'
  | 'overloaded'
  | 'search-unavailable'
  | 'database-unavailable'
  | 'outcome-unknown'
  | 'not-storable'
  | 'busy'

/** A refusal with a stable code. `field` is the JSON Pointer (RFC 6901) of what is at fault in the request, if one is. */
export class DomainError extends Error {
  readonly code: ErrorCode
  readonly field: string | undefined

  constructor(code: ErrorCode, detail: string, field?: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'DomainError'
    this.code = code
    this.field = field
  }
}
