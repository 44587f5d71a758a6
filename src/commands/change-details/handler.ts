import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { Details, User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

/** Only the fields that were sent; null clears one. */
type Patch = { [Field in keyof Details]?: Details[Field] | undefined }
export type ChangeDetails = { userId: number; changes: Patch; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function changeDetails({ users, now }: Deps) {
  return (command: ChangeDetails) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

export function decide(user: User, command: Pick<ChangeDetails, 'changes'>, at: string): UserEvent[] {
  const changes = Object.fromEntries(
    Object.entries(command.changes).filter(
      ([field, value]) => value !== undefined && value !== user[field as keyof Details],
    ),
  ) as Partial<Details>
  if (Object.keys(changes).length === 0) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  return [{ type: 'details-changed', userId: user.id, at, changes }]
}
