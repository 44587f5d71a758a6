import { isUserId } from '../domain/user.ts'
import type { Incarnations, ReadModelRedis } from '../ports/redis.ts'
import type { Change, TrueUser, Truth } from '../ports.ts'
import { MAX_BULK_USERS } from '../ports.ts'
import type { Keys, Partition } from './keys.ts'
import { lastResort } from './last-resort.ts'
import type { RoleViews } from './roles/store.ts'
import type { Schemas } from './schemas/schemas.ts'
import { project } from './user/shown.ts'
import { OtherIncarnationError, type UserReadModel } from './user/store.ts'

export type Projector = ReturnType<typeof projector>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  truth: Truth
  users: UserReadModel
  roles: RoleViews
  schemas: Pick<Schemas, 'others'>
  incarnations: Pick<Incarnations, 'recorded'>
}

/**
 * Brings read models up to the truth. What is handed in says only what changed: duplicates, another order and
 * coalescing do no harm. Rejects when something could not be brought up; then the same must be handed in again.
 */
export function projector({ redis, keys, truth, users, roles, schemas, incarnations }: Deps) {
  const believed = (partition: Partition) => {
    const incarnation = redis.incarnation(partition.inc)
    if (incarnation === null) throw new OtherIncarnationError()
    return incarnation
  }
  /**
   * `under`: the incarnations to write for, where the caller knows better than the connection (a replay does). Whose rows
   * can't be read is left as they are, and told.
   */
  const projectUsers = async (
    userIds: number[],
    under?: Map<Partition, string>,
    onUnreadable: (userId: number) => void = () => undefined,
  ): Promise<void> => {
    const present = under ?? new Map(userIds.map(keys.of).map((partition) => [partition, believed(partition)]))
    const moving: TrueUser[] = []
    for (let from = 0; from < userIds.length; from += MAX_BULK_USERS) {
      const found = await truth.users(userIds.slice(from, from + MAX_BULK_USERS))
      for (const { userId, unreadable } of found) if (unreadable) onUnreadable(userId)
      const existing = found.filter(({ version }) => version > 0)
      await Promise.all(
        existing
          .filter(({ settled }) => settled)
          .map((user) => users.apply(project(user), present.get(keys.of(user.userId)) ?? '')),
      )
      moving.push(...existing.filter(({ settled }) => !settled))
    }
    if (moving.length === 0) return
    throw new StillMovingError(() => Promise.all(moving.map(({ userId, version }) => users.fence(userId, version))))
  }
  const projectRoles = async (under?: string): Promise<void> => {
    const incarnation = under ?? believed(keys.home)
    const { settled, ...catalogue } = await truth.roles()
    if (!settled) throw new StillMovingError(() => roles.fence(catalogue.version))
    await roles.apply(catalogue, incarnation)
  }
  /** Releases of another schema have workers of their own, or none: either way nothing old may be left standing there. */
  const fenceElsewhere = async (userIds: number[], rolesChanged: boolean, others: Keys[]) => {
    if (others.length === 0) return
    if (rolesChanged) await roles.fenceOthers(await truth.rolesVersion(), others)
    const existing = [...(await truth.versions(userIds))].filter(([, version]) => version > 0)
    await Promise.all(existing.map(([userId, version]) => users.fenceOthers(userId, version, others)))
  }
  return {
    projectUsers,
    projectRoles,
    /** One bulk read and one pipeline for a batch: 500 changes of one user are one read. */
    async handle(changes: Change[]): Promise<void> {
      const others = await schemas.others()
      const ids = new Set(changes.filter(({ entity }) => entity === 'user').map(({ entityId }) => Number(entityId)))
      const userIds = [...ids].filter(isUserId)
      const rolesChanged = changes.some(({ entity }) => entity === 'role')
      const written = new Set(userIds.map(keys.of).concat(rolesChanged ? keys.home : []))
      const before = [...written].map((partition): [Partition, string] => [partition, believed(partition)])
      await fenceElsewhere(userIds, rolesChanged, others)
      if (rolesChanged) await projectRoles().catch(fenceWhatMoves)
      const unreadable: number[] = []
      await projectUsers(userIds, undefined, (userId) => unreadable.push(userId)).catch(fenceWhatMoves)
      // Their changes are not handled: whoever hands them on finds out which, and what was there may be old now.
      if (unreadable.length > 0) throw new Error(`the rows of ${unreadable.length} users cannot be read`)
      // Still the Redis that readers use, and not one that was replaced and never told: else they would miss this.
      const recorded = await incarnations.recorded(keys.tag)
      if (before.some(([{ index }, incarnation]) => recorded.get(index) !== incarnation))
        throw new OtherIncarnationError()
    },
    ...lastResort({ truth, users, roles, projectUsers, projectRoles }),
  }
}

/** Read as often as may be, and written each time meanwhile. `fence` sees to it that nothing older is left standing. */
class StillMovingError extends Error {
  readonly fence: () => Promise<unknown>

  constructor(fence: () => Promise<unknown>) {
    super('it kept moving while it was read')
    this.name = 'StillMovingError'
    this.fence = fence
  }
}

/** Enough for a change: what moved it meanwhile has left a change of its own, and that will be handled after this one. */
async function fenceWhatMoves(error: unknown): Promise<void> {
  if (!(error instanceof StillMovingError)) throw error
  await error.fence()
}
