import type { Principal } from '../domain/principal.ts'

/**
 * Tells who shows a token (RFC 6750, RFC 9068). Errors are DomainErrors that say nothing of the token: `token-invalid`,
 * and `issuer-unavailable` while no key can be had that would tell.
 */
export type Authenticator = {
  /**
   * Who showed these very bytes before, while the token and its key are good: at once, without a signature being checked.
   * `authorization`: the whole header, `Bearer …`. Undefined: ask `authenticate`.
   */
  seen(authorization: string): Principal | undefined
  authenticate(authorization: string): Promise<Principal>
  /**
   * `ready`: tokens can be verified. `keysAgeMs`: how long ago the issuer's keys were last fetched; null: never, or they are
   * our own. `failing`: the last try to fetch them failed.
   */
  state(): { ready: boolean; keysAgeMs: number | null; failing: boolean }
  stop(): void
}

/** Who stands behind a connection that ended at a proxy of ours (mutual TLS). Null: identities are not taken this way. */
export type ProxiedIdentity = {
  /** In lower case. */
  header: string
  /** Whether the peer of this connection (not what any header says) is such a proxy. */
  isFrom(peerAddress: string): boolean
  /** Undefined: that is no identity. */
  principal(value: string): Principal | undefined
}
