import type { Invalidations } from '../../ports/invalidations.ts'
import type { Freshness } from '../freshness/freshness.ts'
import type { Keys } from '../keys.ts'
import { LEAST_ENTRY_BYTES, type NearCache, nearCache } from './near-cache.ts'
import { bytesOfNearUser, type NearUser } from './near-user.ts'
import { CATALOGUE, type NearCatalogue } from './near-views.ts'

export type NearCaches = {
  users: NearCache<number, NearUser>
  roles: NearCache<typeof CATALOGUE, NearCatalogue>
  /** As of when everything that had changed in Redis is known here. */
  provedAtMs(): number
  stop(): void
}
type Deps = { invalidations: Invalidations; keys: Keys; freshness: Pick<Freshness, 'isOld'>; maxBytes: number }

const USER_ID = /:id:([1-9][0-9]{0,15})$/

/** What this process holds of the read models, kept right by what Redis tells of its changes. */
export function nearCaches({ invalidations, keys, freshness, maxBytes }: Deps): NearCaches {
  // While changes wait to be handled, Redis too is right only as far as the database confirms it.
  const provedAtMs = () => (freshness.isOld() ? Number.NEGATIVE_INFINITY : invalidations.provedAtMs())
  const users = nearCache<number, NearUser>({ maxBytes, bytesOf: bytesOfNearUser, provedAtMs })
  // One entry, and parsed: the process holds the catalogue anyway.
  const roles = nearCache<typeof CATALOGUE, NearCatalogue>({
    maxBytes: LEAST_ENTRY_BYTES,
    bytesOf: () => 0,
    provedAtMs,
  })
  const clear = () => {
    users.clear()
    roles.clear()
  }
  invalidations.start({
    prefixes: nearPrefixes(keys),
    onUp: () => {
      users.up()
      roles.up()
    },
    onDown: () => {
      users.down()
      roles.down()
    },
    onInvalidated: (key) => {
      const userId = key === null ? undefined : USER_ID.exec(key)?.[1]
      if (userId !== undefined) users.invalidate(Number(userId))
      else if (key === keys.roles) roles.invalidate(CATALOGUE)
      // A key that nobody here knows may stand for anything.
      else clear()
    },
  })
  return { users, roles, provedAtMs, stop: invalidations.stop }
}

/** Entries of users and the catalogue; leases, indexes and hints would be told of for nothing. */
export function nearPrefixes(keys: Keys): string[] {
  return [...keys.userPrefixes, keys.roles]
}
