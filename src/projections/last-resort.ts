import type { Change, ChangeSubscriber, Truth } from '../ports.ts'
import type { RoleViews } from './roles/store.ts'
import { OtherIncarnationError, type UserReadModel } from './user/store.ts'

/** So few that asking is quick, so many that they are not all at fault themselves. */
const MAX_WITNESSES = 5
const EVERYBODY = { branchId: null, role: null, status: null }

/** How Redis says that it takes nothing now, or nothing there: https://redis.io/docs/latest/develop/reference/errors/ */
const REDIS_REFUSES =
  /^(?:OOM|LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|NOAUTH|WRONGPASS|NOPERM|UNKILLABLE)\b/
/** How its client says that there is no connection, and the system. */
const NO_CONNECTION =
  /^(?:Connection is closed|Stream isn't writeable|Socket timeout|Socket closed|Command timed out|Failed to refresh slots|Cluster isn't ready|All sentinels)|max retries per request/
const SYSTEM_CODE = /^E[A-Z]{3,}$/

type Deps = {
  truth: Pick<Truth, 'userIds' | 'versions' | 'rolesVersion'>
  users: Pick<UserReadModel, 'fence'>
  roles: Pick<RoleViews, 'fence'>
  projectUsers(userIds: number[]): Promise<void>
  projectRoles(): Promise<void>
}

/** What a feed asks of the projector about changes that it could not project. */
export function lastResort({ truth, users, roles, projectUsers, projectRoles }: Deps) {
  const projects = (work: Promise<void>) =>
    work.then(
      () => true,
      () => false,
    )
  return {
    isOutage(error: unknown): boolean {
      if (error instanceof OtherIncarnationError) return true
      if (!(error instanceof Error)) return false
      const { code } = error as { code?: unknown }
      const isOfSystem = typeof code === 'string' && SYSTEM_CODE.test(code)
      return isOfSystem || REDIS_REFUSES.test(error.message) || NO_CONNECTION.test(error.message)
    },
    /** Projects somebody else, all the way: that can only do good, and shows more than any question about health. */
    async othersGoThrough(changes: Change[]): Promise<boolean> {
      const suspects = new Set(changes.map(({ entity, entityId }) => `${entity} ${entityId}`))
      const userIds = await truth.userIds(EVERYBODY, 0, suspects.size + MAX_WITNESSES)
      const witnesses = userIds.filter((userId) => !suspects.has(`user ${userId}`)).slice(0, MAX_WITNESSES)
      for (const userId of witnesses) if (await projects(projectUsers([userId]))) return true
      // Nobody else is there: then the catalogue, which goes the same way but for the tables.
      return witnesses.length === 0 && !suspects.has('role *') && projects(projectRoles())
    },
    /** The version alone is read: whatever is wrong with the rows, this goes. */
    async giveUp({ entity, entityId }: Change): Promise<void> {
      if (entity === 'role') {
        await roles.fence(await truth.rolesVersion())
        return
      }
      const userId = Number(entityId)
      const version = (await truth.versions([userId])).get(userId) ?? 0
      if (version > 0) await users.fence(userId, version)
    },
  } satisfies Partial<ChangeSubscriber>
}
