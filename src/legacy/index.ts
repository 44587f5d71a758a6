import type { LegacyRoute } from '../ports/strangler.ts'
import { legacyChangeUser } from './change-user/route.ts'
import { legacyGetBranchUsers } from './get-branch-users/route.ts'
import { legacyGetPermissions } from './get-permissions/route.ts'
import { legacyGetUser } from './get-user/route.ts'
import { legacyGetUserByUsername } from './get-user-by-username/route.ts'

/** Every endpoint of the legacy application that we can answer in its place. */
const slices = [
  legacyGetUser,
  legacyGetUserByUsername,
  legacyGetPermissions,
  legacyGetBranchUsers,
  legacyChangeUser,
] as const

type Intersection<Union> = (Union extends unknown ? (u: Union) => void : never) extends (i: infer I) => void ? I : never
export type LegacyDeps = Intersection<Parameters<(typeof slices)[number]>[0]>

export function legacyRoutes(deps: LegacyDeps): LegacyRoute[] {
  return slices.map((slice) => slice(deps))
}
