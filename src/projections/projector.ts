import type { Change, ReadModelRedis, Truth } from '../ports.ts'
import { MAX_BULK_USERS } from '../ports.ts'
import { lastResort } from './last-resort.ts'
import type { RoleViews } from './roles/store.ts'
import { OtherIncarnationError, type UserReadModel } from './user/store.ts'
import { project } from './user/views.ts'

export type Projector = ReturnType<typeof projector>
type Deps = { redis: ReadModelRedis; truth: Truth; users: UserReadModel; roles: RoleViews }

/**
 * Brings read models up to the truth. What is handed in says only what changed: duplicates, another order and
 * coalescing do no harm. Rejects when something could not be brought up; then the same must be handed in again.
 */
export function projector({ redis, truth, users, roles }: Deps) {
  const believedIncarnation = () => {
    const incarnation = redis.incarnation()
    if (incarnation === null) throw new OtherIncarnationError()
    return incarnation
  }
  /** `under`: the incarnation to write for, where the caller knows better than the connection (a replay does). */
  const projectUsers = async (userIds: number[], under?: string): Promise<void> => {
    const incarnation = under ?? believedIncarnation()
    for (let from = 0; from < userIds.length; from += MAX_BULK_USERS) {
      const found = await truth.users(userIds.slice(from, from + MAX_BULK_USERS))
      const existing = found.filter(({ version }) => version > 0)
      await Promise.all(
        existing.filter(({ settled }) => settled).map((user) => users.apply(project(user), incarnation)),
      )
      const moving = existing.filter(({ settled }) => !settled)
      if (moving.length === 0) continue
      throw new StillMovingError(() => Promise.all(moving.map((user) => users.fence(user.userId, user.version))))
    }
  }
  const projectRoles = async (under?: string): Promise<void> => {
    const incarnation = under ?? believedIncarnation()
    const { settled, ...catalogue } = await truth.roles()
    if (!settled) throw new StillMovingError(() => roles.fence(catalogue.version))
    await roles.apply(catalogue, incarnation)
  }
  return {
    projectUsers,
    projectRoles,
    /** One bulk read and one pipeline for a batch: 500 changes of one user are one read. */
    async handle(changes: Change[]): Promise<void> {
      const userIds = new Set(changes.filter(({ entity }) => entity === 'user').map(({ entityId }) => Number(entityId)))
      if (changes.some(({ entity }) => entity === 'role')) await projectRoles().catch(fenceWhatMoves)
      const existing = [...userIds].filter((userId) => Number.isSafeInteger(userId) && userId > 0)
      await projectUsers(existing).catch(fenceWhatMoves)
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
