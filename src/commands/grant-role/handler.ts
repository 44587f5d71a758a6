import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { RoleCatalogue } from '../../domain/role.ts'
import { holdsGrant, MAX_GRANTS_PER_USER, type User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type GrantRole = { userId: number; role: string; branchId: string | null; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'updateWithRoles'>; now: Clock }

export function grantRole({ users, now }: Deps) {
  return (command: GrantRole) => {
    const at = now().toISOString()
    return users.updateWithRoles(command.userId, command.context, (user, catalogue) =>
      decide(user, catalogue, command, at),
    )
  }
}

/** `branchId` null: everywhere. */
export function decide(
  user: User,
  catalogue: RoleCatalogue,
  { role, branchId }: Pick<GrantRole, 'role' | 'branchId'>,
  at: string,
): UserEvent[] {
  if (holdsGrant(user, role, branchId)) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  if (!catalogue.roles.some((known) => known.role === role)) {
    throw new DomainError('role-not-found', `There is no role "${role}".`, '/role')
  }
  if (branchId !== null && !user.branches.includes(branchId)) {
    throw new DomainError('branch-not-assigned', 'A role at a branch needs that branch assigned first.', '/branchId')
  }
  if (user.roles.length >= MAX_GRANTS_PER_USER) {
    throw new DomainError('too-many', `A user holds ${MAX_GRANTS_PER_USER} grants at most.`, '/role')
  }
  return [{ type: 'role-granted', userId: user.id, at, role, branchId }]
}
