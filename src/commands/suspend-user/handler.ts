import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type SuspendUser = { userId: number; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function suspendUser({ users, now }: Deps) {
  return ({ userId, context }: SuspendUser) => {
    const at = now().toISOString()
    return users.update(userId, context, (user) => decide(user, at))
  }
}

/** Only who is active can be suspended. */
export function decide(user: User, at: string): UserEvent[] {
  if (user.status === 'suspended') return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be suspended.')
  return [{ type: 'user-suspended', userId: user.id, at }]
}
