import type { Effect, RoleCatalogue } from './role.ts'
import { compareText, type Grant, type User } from './user.ts'

/** What of a user decides what they may do. */
export type Holder = Pick<User, 'status' | 'branches' | 'roles'>

/** `by`: the role and place of the grant that decided. */
export type EffectivePermission = { permission: string; effect: Effect; by: Grant }
export type Decision = 'allow' | 'approve' | 'deny'
export type DecisionReason = 'granted' | 'not-granted' | 'unknown-permission' | 'user-suspended' | 'user-terminated'
export type PermissionAnswer = { permission: string; decision: Decision; reason: DecisionReason; by: Grant | null }

/** Permissions by name, strongest grant each; `ignored` counts grants at branches that are not assigned. */
export type EffectivePermissions = { permissions: Map<string, EffectivePermission>; ignored: number }

/**
 * Joins a user's grants with the catalogue. Without `branchId` only grants held everywhere count; with it, those and the
 * branch's own. The strongest wins: `allow` over `approve`; between equals the grant held everywhere, then the first by
 * name, so that the answer's reason never flickers. Who is not active holds nothing. A grant at a branch that the user
 * is not assigned to (older programs can write one) gives nothing and is counted.
 */
export function effectivePermissions(
  holder: Holder,
  catalogue: RoleCatalogue,
  branchId: string | null,
): EffectivePermissions {
  const permissions = new Map<string, EffectivePermission>()
  if (holder.status !== 'active') return { permissions, ignored: 0 }
  const assigned = new Set(holder.branches)
  const foreign = (grant: Grant) => grant.branchId !== null && !assigned.has(grant.branchId)
  const roles = new Map(catalogue.roles.map((role) => [role.role, role]))
  for (const grant of holder.roles) {
    if (foreign(grant) || (grant.branchId !== null && grant.branchId !== branchId)) continue
    for (const { permission, effect } of roles.get(grant.role)?.permissions ?? []) {
      const candidate = { permission, effect, by: grant }
      const held = permissions.get(permission)
      if (!held || isStronger(candidate, held)) permissions.set(permission, candidate)
    }
  }
  return { permissions, ignored: holder.roles.filter(foreign).length }
}

function isStronger(a: EffectivePermission, b: EffectivePermission): boolean {
  if (a.effect !== b.effect) return a.effect === 'allow'
  if ((a.by.branchId === null) !== (b.by.branchId === null)) return a.by.branchId === null
  return compareText(a.by.role, b.by.role) < 0
}

/** Answers one question: may this user do `permission` (at `branchId`), and why. An unknown permission is denied. */
export function decidePermission(
  holder: Holder,
  catalogue: RoleCatalogue,
  permission: string,
  branchId: string | null,
): PermissionAnswer {
  const denied = (reason: DecisionReason): PermissionAnswer => ({ permission, decision: 'deny', reason, by: null })
  if (holder.status === 'suspended') return denied('user-suspended')
  if (holder.status === 'terminated') return denied('user-terminated')
  const held = effectivePermissions(holder, catalogue, branchId).permissions.get(permission)
  if (held) return { permission, decision: held.effect, reason: 'granted', by: held.by }
  const known = catalogue.roles.some((role) => role.permissions.some((p) => p.permission === permission))
  return denied(known ? 'not-granted' : 'unknown-permission')
}
