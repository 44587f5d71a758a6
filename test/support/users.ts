import type { ErrorCode } from '../../src/domain/errors.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import type { User } from '../../src/domain/user.ts'

/** When everything happens, in tests of pure decisions. */
export const AT = '2024-06-01T09:00:00.000Z'

/** An active user who has one or two of everything; `differing` says what else the test needs. */
export function someUser(differing: Partial<User> = {}): User {
  return {
    id: 7,
    username: 'ann.lee',
    employeeNumber: 'E-0007',
    givenName: 'Ann',
    familyName: 'Lee',
    email: 'ann.lee@example.com',
    phone: '+1 212 555 0107',
    jobTitle: 'Cashier',
    status: 'active',
    homeBranchId: 'B001',
    branches: ['B001', 'B002'],
    roles: [
      { role: 'cashier', branchId: null },
      { role: 'key-holder', branchId: 'B001' },
    ],
    limits: { 'discount-percent': 10 },
    preferences: { theme: 'dark' },
    createdAt: '2020-01-01T00:00:00.000Z',
    updatedAt: '2020-01-01T00:00:00.000Z',
    version: 5,
    ...differing,
  }
}

/** `count` values made of their numbers: for what is full. */
export const many = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** What `assert.throws` is to find: a refusal with this code, which blames this part of the request (or none). */
export function refusal(code: ErrorCode, field?: string) {
  return { name: 'DomainError', code, field }
}

/** The user after `events`: what the events mean, apart from how the store writes them. */
export function afterwards(user: User, events: UserEvent[]): User {
  return events.reduce(after, user)
}

function after(user: User, event: UserEvent): User {
  switch (event.type) {
    case 'user-registered':
      throw new Error('only somebody new is registered')
    case 'details-changed':
      return { ...user, ...event.changes }
    case 'user-suspended':
      return { ...user, status: 'suspended' }
    case 'user-reinstated':
      return { ...user, status: 'active' }
    case 'user-terminated':
      return { ...user, status: 'terminated' }
    case 'branch-assigned':
      return { ...user, branches: [...user.branches, event.branchId] }
    case 'branch-unassigned':
      return { ...user, branches: user.branches.filter((branchId) => branchId !== event.branchId) }
    case 'home-branch-changed':
      return { ...user, homeBranchId: event.branchId }
    case 'role-granted':
      return { ...user, roles: [...user.roles, { role: event.role, branchId: event.branchId }] }
    case 'role-revoked':
      return {
        ...user,
        roles: user.roles.filter(({ role, branchId }) => role !== event.role || branchId !== event.branchId),
      }
    case 'limit-set':
      return { ...user, limits: { ...user.limits, [event.limit]: event.value } }
    case 'limit-removed':
      return { ...user, limits: without(user.limits, event.limit) }
    case 'preference-set':
      return { ...user, preferences: { ...user.preferences, [event.key]: event.value } }
    case 'preference-removed':
      return { ...user, preferences: without(user.preferences, event.key) }
  }
}

function without<Values extends object>(values: Values, key: string): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name !== key)) as Values
}
