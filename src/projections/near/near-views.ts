import { normaliseUsername } from '../../domain/user.ts'
import type { TagBase } from '../../wire/etag.ts'
import type { ShownCatalogue } from '../roles/store.ts'
import { isKnown, type KnownUser, type ShownUser } from '../user/shown.ts'
import { type Hints, hints } from './hints.ts'
import type { NearCache, Placeholder } from './near-cache.ts'
import { type NearUser, nearUser, nearUserIsCalled, shownNear } from './near-user.ts'

/** `minVersion`: an older answer is not given. */
export type UserReads = {
  byId(userId: number, minVersion?: number): Promise<ShownUser>
  byIds(userIds: number[]): Promise<ShownUser[]>
  byUsername(username: string, minVersion?: number): Promise<ShownUser | null>
}
export type CatalogueReads = { catalogue(minVersion?: number): Promise<ShownCatalogue> }

type Deps = { views: UserReads; users: NearCache<number, NearUser>; tagBase: TagBase; known?: Hints | undefined }

/**
 * Users out of this process when they are there, else by way of `views`; what those have read from Redis is kept. What
 * they read from the database is not: nobody is told when it changes there.
 */
export function nearUserViews({ views, users, tagBase, known = hints() }: Deps): UserReads {
  const keep = (placeholder: Placeholder<number> | null, found: ShownUser | null) => {
    const kept = users.keep(placeholder, found && isKept(found) ? nearUser(found, tagBase) : null)
    if (found && !kept) users.outdate(found.userId, found.version)
  }
  /** `users` asks the cache about one user, and `read` begins only afterwards: the order that `keep` depends on. */
  const keeping = async <Found extends ShownUser | null>(
    userId: number,
    read: () => Promise<Found>,
  ): Promise<Found> => {
    const placeholder = users.begin(userId)
    let found: Found | null = null
    try {
      found = await read()
      return found
    } finally {
      keep(placeholder, found?.userId === userId ? found : null)
      if (found && found.userId !== userId) users.outdate(found.userId, found.version)
    }
  }
  return {
    async byId(userId, minVersion = 0) {
      const near = users.get(userId)
      if (near && near.version >= minVersion) return shownNear(near)
      return keeping(userId, () => views.byId(userId, minVersion))
    },
    async byIds(userIds) {
      const near = userIds.map((userId) => users.get(userId))
      const others = userIds.filter((_, i) => near[i] === undefined)
      const placeholders = others.map((userId) => users.begin(userId))
      let read: ShownUser[] = []
      try {
        read = others.length === 0 ? [] : await views.byIds(others)
      } finally {
        placeholders.forEach((placeholder, i) => {
          keep(placeholder, read[i] ?? null)
        })
      }
      const rest = read.values()
      return near.map((user) => (user ? shownNear(user) : (rest.next().value as ShownUser)))
    },
    async byUsername(username, minVersion = 0) {
      const name = normaliseUsername(username)
      const hint = known.get(name)
      const near = hint === undefined ? undefined : users.get(hint)
      if (near && near.version >= minVersion && nearUserIsCalled(near, name)) return shownNear(near)
      const read = () => views.byUsername(username, minVersion)
      const found = await (hint === undefined ? read() : keeping(hint, read))
      if (found) known.set(name, found.userId)
      if (found && hint === undefined) users.outdate(found.userId, found.version)
      return found
    },
  }
}

function isKept(found: ShownUser): found is KnownUser {
  return found.from === 'redis' && !found.stale && isKnown(found)
}

/** As it stands in the near cache: the catalogue without where it came from. */
export type NearCatalogue = Pick<ShownCatalogue, 'version' | 'roles'>
export const CATALOGUE = 'roles'

export function nearRoleViews(roles: CatalogueReads, near: NearCache<typeof CATALOGUE, NearCatalogue>): CatalogueReads {
  return {
    async catalogue(minVersion = 0) {
      const held = near.get(CATALOGUE)
      if (held && held.version >= minVersion) return { ...held, from: 'near' }
      const placeholder = near.begin(CATALOGUE)
      let kept: NearCatalogue | null = null
      let version = 0
      try {
        const read = await roles.catalogue(minVersion)
        version = read.version
        if (read.from === 'redis' && !read.stale) kept = { version: read.version, roles: read.roles }
        return read
      } finally {
        if (!near.keep(placeholder, kept)) near.outdate(CATALOGUE, version)
      }
    },
  }
}
