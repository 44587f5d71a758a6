import type { TagBase } from '../../wire/etag.ts'
import type { VersionFloor } from '../version-floor.ts'
import type { Hints } from './hints.ts'
import type { NearCaches } from './near-caches.ts'
import { CATALOGUE, type CatalogueReads, nearRoleViews, nearUserViews, type UserReads } from './near-views.ts'

export type NearReads = { views: UserReads; roles: CatalogueReads }
type Deps = NearReads & { near: NearCaches; floor: Pick<VersionFloor, 'onRise'>; tagBase: TagBase; known?: Hints }

/** What queries read. What the database, or a command, says here is not waited to be told of by Redis. */
export function nearReads({ views, roles, near, floor, tagBase, known }: Deps): NearReads {
  floor.onRise({ user: near.users.outdate, roles: (version) => near.roles.outdate(CATALOGUE, version) })
  return { views: nearUserViews({ views, users: near.users, tagBase, known }), roles: nearRoleViews(roles, near.roles) }
}
