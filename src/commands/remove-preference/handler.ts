import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type RemovePreference = { userId: number; key: string; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function removePreference({ users, now }: Deps) {
  return (command: RemovePreference) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

export function decide(user: User, { key }: Pick<RemovePreference, 'key'>, at: string): UserEvent[] {
  if (!Object.hasOwn(user.preferences, key)) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  return [{ type: 'preference-removed', userId: user.id, at, key }]
}
