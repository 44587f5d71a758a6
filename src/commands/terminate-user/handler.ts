import type { UserEvent } from '../../domain/events.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type TerminateUser = { userId: number; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function terminateUser({ users, now }: Deps) {
  return ({ userId, context }: TerminateUser) => {
    const at = now().toISOString()
    return users.update(userId, context, (user) => decide(user, at))
  }
}

/** Final. What the user held stays on record, and gives nothing any more. */
export function decide(user: User, at: string): UserEvent[] {
  if (user.status === 'terminated') return []
  return [{ type: 'user-terminated', userId: user.id, at }]
}
