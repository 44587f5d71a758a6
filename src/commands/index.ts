import type { FastifyInstance } from 'fastify'
import { assignBranchRoute } from './assign-branch/route.ts'
import { changeDetailsRoute } from './change-details/route.ts'
import { defineRoleRoute } from './define-role/route.ts'
import { forceBreakerRoute } from './force-breaker/route.ts'
import { grantRoleRoute } from './grant-role/route.ts'
import { registerUserRoute } from './register-user/route.ts'
import { reinstateUserRoute } from './reinstate-user/route.ts'
import { releaseBreakerRoute } from './release-breaker/route.ts'
import { removeLimitRoute } from './remove-limit/route.ts'
import { removePreferenceRoute } from './remove-preference/route.ts'
import { removeRoleRoute } from './remove-role/route.ts'
import { resetRouteRoute } from './reset-route/route.ts'
import { revokeRoleRoute } from './revoke-role/route.ts'
import { setLimitRoute } from './set-limit/route.ts'
import { setPreferenceRoute } from './set-preference/route.ts'
import { setRouteRoute } from './set-route/route.ts'
import { suspendUserRoute } from './suspend-user/route.ts'
import { terminateUserRoute } from './terminate-user/route.ts'
import { unassignBranchRoute } from './unassign-branch/route.ts'

export { guardedWrites } from './guarded-writes.ts'

/** Every command, in the order of the documentation page. */
const slices = [
  registerUserRoute,
  changeDetailsRoute,
  suspendUserRoute,
  reinstateUserRoute,
  terminateUserRoute,
  assignBranchRoute,
  unassignBranchRoute,
  grantRoleRoute,
  revokeRoleRoute,
  setLimitRoute,
  removeLimitRoute,
  setPreferenceRoute,
  removePreferenceRoute,
  defineRoleRoute,
  removeRoleRoute,
  forceBreakerRoute,
  releaseBreakerRoute,
  setRouteRoute,
  resetRouteRoute,
]

type Intersection<Union> = (Union extends unknown ? (u: Union) => void : never) extends (i: infer I) => void ? I : never
export type CommandDeps = Intersection<Parameters<(typeof slices)[number]>[1]>

export function registerCommands(app: FastifyInstance, deps: CommandDeps): void {
  for (const slice of slices) slice(app, deps)
}
