import { authenticator as joseAuthenticator } from './adapters/jose/authenticator.ts'
import { DEVELOPMENT } from './adapters/jose/development-token.ts'
import { proxiedIdentity } from './adapters/jose/proxied-identity.ts'
import { rateLimits } from './adapters/rate-limits/rate-limits.ts'
import { countersConnection } from './adapters/redis/counters-connection.ts'
import type { Config } from './config.ts'
import { DomainError } from './domain/errors.ts'
import type { Scope } from './domain/principal.ts'
import type { AccessDeps } from './plugins/authentication.ts'
import type { Authenticator } from './ports/authentication.ts'
import type { TokenObserver } from './ports/metrics.ts'
import type { Log } from './ports.ts'
import type { HotReadDeps } from './queries/index.ts'
import { RATE_WINDOW_S, rateLimitHead } from './wire/rate-limit.ts'
import { redisUrl } from './wiring-core.ts'

/** What of the hot read's needs is about who asks. */
export type Admission = Pick<HotReadDeps, 'admit' | 'giveBack'>

const NO_HEAD: string[] = []
const NO_SCOPES: ReadonlySet<Scope> = new Set()
/** Longest time that a command waits to be counted with those of the other replicas. */
const COUNT_DEADLINE_MS = 100

/**
 * Who may ask, and how much. `admission`: the same for the hot read, which no router sees. `tokens`: whose are taken, and for
 * whom they are.
 */
export async function wireAccess(config: Config, log: Log, observer: TokenObserver) {
  const authenticator = observed(await joseAuthenticator({ ...config.auth, log }), observer)
  const limits = rateLimits({
    ...config.limits,
    windowS: RATE_WINDOW_S,
    connect: () => countersConnection({ url: redisUrl(config), deadlineMs: COUNT_DEADLINE_MS, log }),
  })
  const opened = openedByScopes()
  const seen = (authorization: string | undefined) =>
    authorization === undefined ? undefined : authenticator.seen(authorization)
  const admission: Admission = {
    admit(authorization) {
      const principal = seen(authorization)
      if (principal === undefined) return null
      const { reads, personal } = opened(principal.scopes)
      if (!reads) return null
      const standing = limits.here('read', principal)
      if (standing?.allowed === false) return null
      return { personal, head: standing === null ? NO_HEAD : rateLimitHead('read', standing) }
    },
    giveBack(authorization) {
      const principal = seen(authorization)
      if (principal !== undefined) limits.giveBack('read', principal)
    },
  }
  const access: AccessDeps = { authenticator, identity: proxiedIdentity(config.auth), limits }
  const stop = async (): Promise<void> => {
    authenticator.stop()
    await limits.stop()
  }
  const { issuer } = config.auth
  const tokens = issuer === null ? DEVELOPMENT : { issuer: issuer.name, audience: issuer.audience }
  return { access, admission, tokens, stop }
}

/** What was seen before is not told: that would cost as much as to see it. */
function observed(authenticator: Authenticator, { looked }: TokenObserver): Authenticator {
  return {
    ...authenticator,
    async authenticate(authorization) {
      try {
        const principal = await authenticator.authenticate(authorization)
        looked('verified')
        return principal
      } catch (error) {
        looked(error instanceof DomainError && error.code === 'issuer-unavailable' ? 'unverifiable' : 'refused')
        throw error
      }
    },
  }
}

/** Equal scopes are one object, and one caller has mostly the same as the one before: looked up when they change only. */
function openedByScopes() {
  let last = { scopes: NO_SCOPES, reads: false, personal: false }
  return (scopes: ReadonlySet<Scope>) => {
    if (scopes !== last.scopes) last = { scopes, reads: scopes.has('users:read'), personal: scopes.has('users:pii') }
    return last
  }
}
