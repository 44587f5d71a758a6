import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import { MAX_BRANCHES_PER_USER, type User } from '../../domain/user.ts'
import type { Clock, UserStore, WriteContext } from '../../ports.ts'

export type AssignBranch = { userId: number; branchId: string; home: boolean; context: WriteContext }
export type Deps = { users: Pick<UserStore, 'update'>; now: Clock }

export function assignBranch({ users, now }: Deps) {
  return (command: AssignBranch) => {
    const at = now().toISOString()
    return users.update(command.userId, command.context, (user) => decide(user, command, at))
  }
}

/** `home`: makes the branch the home branch as well; without it, the home branch stays what it is. */
export function decide(
  user: User,
  { branchId, home }: Pick<AssignBranch, 'branchId' | 'home'>,
  at: string,
): UserEvent[] {
  const assigned = user.branches.includes(branchId)
  const moves = home && user.homeBranchId !== branchId
  if (assigned && !moves) return []
  if (user.status === 'terminated') throw new DomainError('user-terminated', 'A terminated user cannot be changed.')
  if (!assigned && user.branches.length >= MAX_BRANCHES_PER_USER) {
    throw new DomainError('too-many', `A user works at ${MAX_BRANCHES_PER_USER} branches at most.`, '/branchId')
  }
  const events: UserEvent[] = []
  if (!assigned) events.push({ type: 'branch-assigned', userId: user.id, at, branchId })
  if (moves) events.push({ type: 'home-branch-changed', userId: user.id, at, branchId })
  return events
}
