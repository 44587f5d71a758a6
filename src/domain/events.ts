import type { LimitName } from './limits.ts'
import type { RoleEvent } from './role.ts'
import type { Details } from './user.ts'

/** `at`: RFC 3339, UTC, milliseconds. */
type Of<Type extends string, Data = object> = { type: Type; userId: number; at: string } & Data

/** What can happen to a user, in the past tense. The audit keeps these as they are. */
export type UserEvent =
  | Of<'user-registered', { details: Details; homeBranchId: string | null }>
  | Of<'details-changed', { changes: Partial<Details> }>
  | Of<'user-suspended'>
  | Of<'user-reinstated'>
  | Of<'user-terminated'>
  | Of<'branch-assigned', { branchId: string }>
  | Of<'branch-unassigned', { branchId: string }>
  | Of<'home-branch-changed', { branchId: string }>
  | Of<'role-granted', { role: string; branchId: string | null }>
  | Of<'role-revoked', { role: string; branchId: string | null }>
  | Of<'limit-set', { limit: LimitName; value: number }>
  | Of<'limit-removed', { limit: LimitName }>
  | Of<'preference-set', { key: string; value: string }>
  | Of<'preference-removed', { key: string }>

export type DomainEvent = UserEvent | RoleEvent
