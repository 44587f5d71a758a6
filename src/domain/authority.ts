import { DomainError } from './errors.ts'
import type { UserEvent } from './events.ts'
import type { Principal } from './principal.ts'
import type { RoleCatalogue } from './role.ts'
import type { Grant, User } from './user.ts'

/**
 * How far a caller's writes reach. Whoever is limited to branches (a regional manager) changes only people of these
 * branches, nothing that reaches beyond them, and gives nobody what they do not hold themselves.
 */
export type Authority = {
  /** Null: everywhere. */
  branches: readonly string[] | null
  /** Which user the caller is; null: none that is known. */
  userId: number | null
  /** Whether they may know who there is: if not, those of other branches and those who are not there are the same. */
  readsUsers: boolean
}

/** Of this service itself, and of whoever is limited by nothing. */
export const FULL_AUTHORITY: Authority = { branches: null, userId: null, readsUsers: true }

/** Of an actor (ports) that no token speaks of. */
export const UNLIMITED = { client: null, authority: FULL_AUTHORITY }

export function authorityOf({ branches, userId, scopes }: Principal): Authority {
  return { branches, userId, readsUsers: scopes.has('users:read') }
}

export function noSuchUser(userId: number): DomainError {
  return new DomainError('user-not-found', `There is no user ${userId}.`)
}

/** By the home branch; whoever has none is theirs only if all their branches are. */
export function isOfBranches(
  { homeBranchId, branches }: Pick<User, 'homeBranchId' | 'branches'>,
  of: readonly string[],
): boolean {
  if (homeBranchId !== null) return of.includes(homeBranchId)
  return branches.length > 0 && branches.every((branchId) => of.includes(branchId))
}

/** Before anything is said of the user. Throws `not-your-branch`, or `user-not-found` to who may not know better. */
export function mayChangeUser({ branches, readsUsers }: Authority, user: User): void {
  if (branches === null || isOfBranches(user, branches)) return
  if (!readsUsers) throw noSuchUser(user.id)
  throw new DomainError('not-your-branch', 'This user is not of your branches.')
}

/** What each event does must be within the caller's reach too. Throws `not-your-branch`, `not-yourself`. */
export function mayCause(authority: Authority, events: readonly UserEvent[]): void {
  const { branches, userId } = authority
  if (branches === null) return
  for (const event of events) {
    const branchId = branchOf(event)
    if (branchId !== undefined && (branchId === null || !branches.includes(branchId))) {
      throw new DomainError(
        'not-your-branch',
        whyNot(branchId),
        event.type === 'user-registered' ? '/homeBranchId' : '/branchId',
      )
    }
    if (!raisesReach(event)) continue
    if (userId === null) throw new DomainError('not-yourself', WHO_ARE_YOU)
    if (event.userId === userId) throw new DomainError('not-yourself', NOT_YOURS)
  }
}

const NOT_YOURS = 'Nobody who is limited to branches sets their own roles, branches or limits.'
const WHO_ARE_YOU = 'You are limited to branches, and your token does not say which user you are: this may be yourself.'

function whyNot(branchId: string | null): string {
  return branchId === null ? 'You are limited to branches: name one of yours.' : 'This branch is none of yours.'
}

/** The branch that an event is about; null: it is about all; undefined: it is about none. */
function branchOf(event: UserEvent): string | null | undefined {
  switch (event.type) {
    case 'user-registered':
      return event.homeBranchId
    case 'branch-assigned':
    case 'branch-unassigned':
    case 'home-branch-changed':
    case 'role-granted':
    case 'role-revoked':
      return event.branchId
    default:
      return undefined
  }
}

const RAISING = [
  'branch-assigned',
  'home-branch-changed',
  'role-granted',
  'limit-set',
  'limit-removed',
  'user-reinstated',
]
function raisesReach({ type }: UserEvent): boolean {
  return RAISING.includes(type)
}

/**
 * A limited caller grants no privileged role, and none that they do not hold, everywhere or at that branch. `granter`: the
 * user who they are, as the same transaction sees them; null: not known. Throws `role-not-yours`.
 */
export function mayGrant(
  { branches }: Authority,
  granter: User | null,
  { roles }: Pick<RoleCatalogue, 'roles'>,
  grants: readonly Grant[],
): void {
  if (branches === null) return
  for (const { role, branchId } of grants) {
    const isPrivileged = roles.find((known) => known.role === role)?.privileged ?? true
    if (isPrivileged)
      throw new DomainError(
        'role-not-yours',
        'You are limited to branches: a privileged role is not yours to grant.',
        '/role',
      )
    if (!holds(granter, role, branchId))
      throw new DomainError('role-not-yours', 'You grant only roles that you hold yourself.', '/role')
  }
}

function holds(granter: User | null, role: string, branchId: string | null): boolean {
  if (granter === null || granter.status !== 'active') return false
  return granter.roles.some((grant) => grant.role === role && (grant.branchId === null || grant.branchId === branchId))
}

/** The catalogue is in force at every branch. Throws `not-your-branch`. */
export function mayChangeCatalogue({ branches }: Authority): void {
  if (branches !== null)
    throw new DomainError('not-your-branch', 'You are limited to branches: the role catalogue is everybody’s.')
}
