import type { Change, ReadModelRedis, Truth } from '../ports.ts'
import { MAX_BULK_USERS } from '../ports.ts'
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
      if (existing.some(({ settled }) => !settled)) throw new Error('a user kept moving while it was read')
    }
  }
  const projectRoles = async (under?: string): Promise<void> => {
    const incarnation = under ?? believedIncarnation()
    const { settled, ...catalogue } = await truth.roles()
    if (!settled) throw new Error('the role catalogue kept moving while it was read')
    await roles.apply(catalogue, incarnation)
  }
  return {
    projectUsers,
    projectRoles,
    /** One bulk read and one pipeline for a batch: 500 changes of one user are one read. */
    async handle(changes: Change[]): Promise<void> {
      const userIds = new Set(changes.filter(({ entity }) => entity === 'user').map(({ entityId }) => Number(entityId)))
      if (changes.some(({ entity }) => entity === 'role')) await projectRoles()
      await projectUsers([...userIds].filter((userId) => Number.isSafeInteger(userId) && userId > 0))
    },
  }
}
