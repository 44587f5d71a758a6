import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type UnassignBranch = { userId: number; branchId: string; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function unassignBranch({ users, now }: Deps) {
  return (command: UnassignBranch) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

export function decide(user: User, { branchId }: Pick<UnassignBranch, 'branchId'>, at: string): UserEvent[] {
  if (!user.branches.includes(branchId)) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  if (user.homeBranchId === branchId) {
    throw new DomainError('branch-is-home', 'Make another branch the home branch first.', '/branchId')
  }
  if (user.roles.some((grant) => grant.branchId === branchId)) {
    throw new DomainError('branch-has-grants', 'Revoke the roles that are held at this branch first.', '/branchId')
  }
  return [{ type: 'branch-unassigned', userId: user.id, at, branchId }]
}
