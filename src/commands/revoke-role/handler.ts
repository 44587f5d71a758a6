import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import { holdsGrant, type User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type RevokeRole = { userId: number; role: string; branchId: string | null; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function revokeRole({ users, now }: Deps) {
  return (command: RevokeRole) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

/** Takes back that one grant: a role held everywhere stays when it is revoked at a branch, and the other way round. */
export function decide(user: User, { role, branchId }: Pick<RevokeRole, 'role' | 'branchId'>, at: string): UserEvent[] {
  if (!holdsGrant(user, role, branchId)) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  return [{ type: 'role-revoked', userId: user.id, at, role, branchId }]
}
