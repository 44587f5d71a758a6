import type { LimitName } from './limits.ts'

export type UserStatus = 'active' | 'suspended' | 'terminated'
export const USER_STATUSES = ['active', 'suspended', 'terminated'] as const satisfies UserStatus[]

/** A role held everywhere (`branchId` null) or at one branch. */
export type Grant = { role: string; branchId: string | null }

/** The columns of a user that the command "change details" may set. */
export type Details = {
  username: string
  employeeNumber: string | null
  givenName: string
  familyName: string
  email: string | null
  phone: string | null
  jobTitle: string | null
}

/** One user as the database holds it at `version`. Times are RFC 3339, UTC, milliseconds. */
export type User = Details & {
  id: number
  status: UserStatus
  homeBranchId: string | null
  branches: string[]
  roles: Grant[]
  limits: Partial<Record<LimitName, number>>
  preferences: Record<string, string>
  createdAt: string
  updatedAt: string
  version: number
}

/** How much one user may own: bounds every body, every transaction and every page. */
export const MAX_BRANCHES_PER_USER = 100
export const MAX_GRANTS_PER_USER = 200
export const MAX_PREFERENCES_PER_USER = 100

/** 2^53 - 1: the largest integer that a JSON number carries exactly (RFC 8259 section 6). */
export const MAX_USER_ID = Number.MAX_SAFE_INTEGER
export const isUserId = (id: number): boolean => Number.isSafeInteger(id) && id > 0

/** Usernames are unique without regard to ASCII case; this is the form they are compared in. */
export function normaliseUsername(username: string): string {
  return username.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

export function holdsGrant(user: User, role: string, branchId: string | null): boolean {
  return user.roles.some((grant) => grant.role === role && grant.branchId === branchId)
}

/** Grants in the order in which answers show them: by role, the one held everywhere first. */
export function compareGrants(a: Grant, b: Grant): number {
  return compareText(a.role, b.role) || compareText(a.branchId ?? '', b.branchId ?? '')
}

/** Plain code unit order: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
