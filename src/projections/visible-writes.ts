import type { UserEvent } from '../domain/events.ts'
import type { User } from '../domain/user.ts'
import type { ReadModels, RoleStore, UserStore, Written } from '../ports.ts'
import { type Pause, pause as realPause } from './pause.ts'
import type { VersionFloor } from './version-floor.ts'

type Deps = {
  users: UserStore
  roles: RoleStore
  readModels: ReadModels
  floor: Pick<VersionFloor, 'raiseUser' | 'raiseRoles'>
  deadlineMs: number
  pause?: Pause
}

/**
 * The stores, with what a commit owes the read models: fence, wake the workers, and project here and now, so that
 * rosters and searches show the change too. If projecting fails, the fence is enough; if the fence fails, the answer
 * says that visibility is pending, and the change row makes it good. This process itself shows nothing older in any case.
 */
export function visibleWrites({ users, roles, readModels, floor, deadlineMs, pause = realPause }: Deps): {
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
  const showUser = <Answer extends Written>(answer: Answer, userId: number, username: string | null) => {
    floor.raiseUser(userId, answer.version)
    return show(
      answer,
      async () => {
        const former = username === null ? null : readModels.fenceFormerHolders(username, userId)
        const [fenced] = await Promise.all([readModels.fenceUser(userId, answer.version), former])
        return fenced
      },
      () => readModels.projectUserNow(userId),
    )
  }
  return {
    users: {
      update: async (userId, context, decide) => {
        let events: UserEvent[] = []
        const noting = (user: User) => {
          events = decide(user)
          return events
        }
        const answer = await users.update(userId, context, noting)
        // Of a repeat nothing is known but its version: no command that takes a key gives a username.
        return showUser(answer, userId, usernameGiven(events))
      },
      // Nothing that looks at the roles gives a username.
      updateWithRoles: async (userId, context, decide) =>
        showUser(await users.updateWithRoles(userId, context, decide), userId, null),
      register: async (registration, by, idempotency) => {
        let username: string | null = null
        const noting: typeof registration = (userId) => {
          const event = registration(userId)
          username = event.details.username
          return event
        }
        const answer = await users.register(noting, by, idempotency)
        // Nothing is decided for a repeat. Its first request may have died before it could fence anybody.
        if (answer.answer) noting(answer.userId)
        return showUser(answer, answer.userId, username)
      },
    },
    roles: {
      update: async (role, context, decide) => {
        const answer = await roles.update(role, context, decide)
        floor.raiseRoles(answer.version)
        return show(answer, () => readModels.fenceRoles(answer.version), readModels.projectRolesNow)
      },
    },
  }
}

function usernameGiven(events: UserEvent[]): string | null {
  let given: string | null = null
  for (const event of events) if (event.type === 'details-changed') given = event.changes.username ?? given
  return given
}

/** The fence stands: what comes too late, or fails, is the workers' to do. */
async function withinDeadline(projecting: Promise<void>, pause: Pause, deadlineMs: number): Promise<void> {
  const late = new AbortController()
  const settled = projecting.catch(() => undefined)
  await Promise.race([settled, pause(deadlineMs, late.signal).catch(() => undefined)])
  late.abort()
}
