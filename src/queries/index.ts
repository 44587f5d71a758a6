import type { FastifyInstance } from 'fastify'
import { checkPermissionRoute } from './check-permission/route.ts'
import { getHistoryRoute } from './get-history/route.ts'
import { getPermissionsRoute } from './get-permissions/route.ts'
import { getProfileRoute } from './get-profile/route.ts'
import { getRoleRoute } from './get-role/route.ts'
import { getRosterRoute } from './get-roster/route.ts'
import { type Deps as HotDeps, hotGetUser, type Shortcut } from './get-user/hot.ts'
import { getUserRoute } from './get-user/route.ts'
import { getUserByUsernameRoute } from './get-user-by-username/route.ts'
import { listBreakersRoute } from './list-breakers/route.ts'
import { listRolesRoute } from './list-roles/route.ts'
import { listRoutesRoute } from './list-routes/route.ts'
import { listUsersRoute } from './list-users/route.ts'

/** Every query, in the order of the documentation page. */
const slices = [
  getUserRoute,
  getUserByUsernameRoute,
  getProfileRoute,
  getHistoryRoute,
  listUsersRoute,
  getPermissionsRoute,
  checkPermissionRoute,
  getRosterRoute,
  listRolesRoute,
  getRoleRoute,
  listBreakersRoute,
  listRoutesRoute,
]

type Intersection<Union> = (Union extends unknown ? (u: Union) => void : never) extends (i: infer I) => void ? I : never
export type QueryDeps = Intersection<Parameters<(typeof slices)[number]>[1]>

/** What is answered before the router is asked. */
export type HotReadDeps = HotDeps
export function hotReads(deps: HotReadDeps): Shortcut {
  return hotGetUser(deps)
}

export function registerQueries(app: FastifyInstance, deps: QueryDeps): void {
  for (const slice of slices) slice(app, deps)
}
