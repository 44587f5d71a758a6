import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import { checkLimit } from '../../domain/limits.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type SetLimit = { userId: number; limit: string; value: number; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function setLimit({ users, now }: Deps) {
  return (command: SetLimit) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

export function decide(user: User, { limit: name, value }: Pick<SetLimit, 'limit' | 'value'>, at: string): UserEvent[] {
  const limit = checkLimit(name, value)
  if (user.limits[limit] === value) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  return [{ type: 'limit-set', userId: user.id, at, limit, value }]
}
