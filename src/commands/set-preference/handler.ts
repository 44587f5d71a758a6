import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import { MAX_PREFERENCES_PER_USER, type User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type SetPreference = { userId: number; key: string; value: string; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function setPreference({ users, now }: Deps) {
  return (command: SetPreference) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

export function decide(user: User, { key, value }: Pick<SetPreference, 'key' | 'value'>, at: string): UserEvent[] {
  if (Object.hasOwn(user.preferences, key) && user.preferences[key] === value) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  if (!Object.hasOwn(user.preferences, key) && Object.keys(user.preferences).length >= MAX_PREFERENCES_PER_USER) {
    throw new DomainError('too-many', `A user has ${MAX_PREFERENCES_PER_USER} preferences at most.`, '/key')
  }
  return [{ type: 'preference-set', userId: user.id, at, key, value }]
}
