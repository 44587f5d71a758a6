import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type ReinstateUser = { userId: number; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function reinstateUser({ users, now }: Deps) {
  return ({ userId, context }: ReinstateUser) => {
    const at = now().toISOString()
    return users.update(userId, context, (user) => decide(user, at))
  }
}

/** Only who is suspended can be reinstated: `terminated` is final, and who comes back is a new user. */
export function decide(user: User, at: string): UserEvent[] {
  if (user.status === 'active') return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be reinstated.')
  return [{ type: 'user-reinstated', userId: user.id, at }]
}
