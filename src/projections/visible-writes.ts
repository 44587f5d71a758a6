import type { ReadModels, RoleStore, UserStore, Written } from '../ports.ts'
import { type Pause, pause as realPause } from './pause.ts'

type Deps = { users: UserStore; roles: RoleStore; readModels: ReadModels; deadlineMs: number; pause?: Pause }

/**
 * The stores, with what a commit owes the read models: fence, wake the workers, and project here and now, so that
 * rosters and searches show the change too. If projecting fails, the fence is enough; if the fence fails, the answer
 * says that visibility is pending, and the change row makes it good.
 */
export function visibleWrites({ users, roles, readModels, deadlineMs, pause = realPause }: Deps): {
  users: UserStore
  roles: RoleStore
} {
  const show = async <Answer extends Written>(
    answer: Answer,
    fence: () => Promise<boolean>,
    project: () => Promise<void>,
  ): Promise<Answer> => {
    let visible = true
    try {
      if (await fence()) {
        readModels.announce()
        await withinDeadline(project(), pause, deadlineMs)
      }
    } catch {
      visible = false
      readModels.announce()
    }
    return { ...answer, visible }
  }
  const showUser = <Answer extends Written>(answer: Answer, userId: number) =>
    show(
      answer,
      () => readModels.fenceUser(userId, answer.version),
      () => readModels.projectUserNow(userId),
    )
  return {
    users: {
      update: async (userId, context, decide) => showUser(await users.update(userId, context, decide), userId),
      updateWithRoles: async (userId, context, decide) =>
        showUser(await users.updateWithRoles(userId, context, decide), userId),
      register: async (registration, by, idempotency) => {
        const answer = await users.register(registration, by, idempotency)
        return showUser(answer, answer.userId)
      },
    },
    roles: {
      update: async (role, context, decide) => {
        const answer = await roles.update(role, context, decide)
        return show(answer, () => readModels.fenceRoles(answer.version), readModels.projectRolesNow)
      },
    },
  }
}

/** The fence stands: what comes too late, or fails, is the workers' to do. */
async function withinDeadline(projecting: Promise<void>, pause: Pause, deadlineMs: number): Promise<void> {
  const late = new AbortController()
  const settled = projecting.catch(() => undefined)
  await Promise.race([settled, pause(deadlineMs, late.signal).catch(() => undefined)])
  late.abort()
}
