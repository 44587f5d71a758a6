import type { ReadModels } from '../../ports.ts'
import type { TagBase } from '../../wire/etag.ts'
import type { Hints } from './hints.ts'
import type { NearCaches } from './near-caches.ts'
import { CATALOGUE, type CatalogueReads, nearRoleViews, nearUserViews, type UserReads } from './near-views.ts'

export type NearReads = { views: UserReads; roles: CatalogueReads }
type Deps = NearReads & { near: NearCaches; tagBase: TagBase; known?: Hints }

/** What queries read. */
export function nearReads({ views, roles, near, tagBase, known }: Deps): NearReads {
  return { views: nearUserViews({ views, users: near.users, tagBase, known }), roles: nearRoleViews(roles, near.roles) }
}

/**
 * A command's own process does not wait to be told: what it has fenced it forgets before it answers, also when the fence
 * could not be put up.
 */
export function forgettingReadModels(readModels: ReadModels, near: NearCaches): ReadModels {
  return {
    ...readModels,
    fenceUser: (userId, version) => readModels.fenceUser(userId, version).finally(() => near.users.invalidate(userId)),
    fenceFormerHolders: async (username, userId) => {
      const former = await readModels.fenceFormerHolders(username, userId)
      for (const id of former) near.users.invalidate(id)
      return former
    },
    fenceRoles: (version) => readModels.fenceRoles(version).finally(() => near.roles.invalidate(CATALOGUE)),
  }
}
