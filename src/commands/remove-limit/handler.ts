import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import { knownLimit } from '../../domain/limits.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type RemoveLimit = { userId: number; limit: string; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function removeLimit({ users, now }: Deps) {
  return (command: RemoveLimit) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

export function decide(user: User, { limit: name }: Pick<RemoveLimit, 'limit'>, at: string): UserEvent[] {
  const limit = knownLimit(name)
  if (user.limits[limit] === undefined) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  return [{ type: 'limit-removed', userId: user.id, at, limit }]
}
