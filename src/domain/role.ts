import { DomainError } from './errors.ts'
import { compareText } from './user.ts'

/** `approve`: allowed only with a manager's approval at the till. */
export type Effect = 'allow' | 'approve'
export type RolePermission = { permission: string; effect: Effect }
export type Role = { role: string; title: string; privileged: boolean; permissions: RolePermission[] }

/** All roles at one version: one entity, because every permission question needs several of them. */
export type RoleCatalogue = { version: number; roles: Role[] }

export const MAX_ROLES = 500
export const MAX_PERMISSIONS_PER_ROLE = 200

export type RoleEvent =
  | { type: 'role-defined'; role: Role; at: string }
  | { type: 'role-removed'; role: string; at: string }

/** Defining what is already so is nothing; the order of permissions has no meaning. */
export function decideDefineRole(catalogue: RoleCatalogue, wanted: Role, at: string): RoleEvent[] {
  if (new Set(wanted.permissions.map(({ permission }) => permission)).size !== wanted.permissions.length) {
    throw new DomainError('permission-twice', 'A role names each permission once.', '/permissions')
  }
  const role = {
    ...wanted,
    permissions: wanted.permissions.toSorted((a, b) => compareText(a.permission, b.permission)),
  }
  const existing = catalogue.roles.find(({ role: name }) => name === role.role)
  if (existing && sameRole(existing, role)) return []
  if (!existing && catalogue.roles.length >= MAX_ROLES) {
    throw new DomainError('too-many', `The catalogue holds at most ${MAX_ROLES} roles.`)
  }
  return [{ type: 'role-defined', role, at }]
}

/** A role that somebody holds cannot be removed: their permissions would change behind everybody's back. */
export function decideRemoveRole(catalogue: RoleCatalogue, role: string, holders: number, at: string): RoleEvent[] {
  if (!catalogue.roles.some(({ role: name }) => name === role)) return []
  if (holders > 0) throw new DomainError('role-in-use', `Role "${role}" is still held by somebody.`, '/role')
  return [{ type: 'role-removed', role, at }]
}

function sameRole(a: Role, b: Role): boolean {
  return (
    a.title === b.title &&
    a.privileged === b.privileged &&
    a.permissions.length === b.permissions.length &&
    a.permissions.every(
      (p, i) => p.permission === b.permissions[i]?.permission && p.effect === b.permissions[i]?.effect,
    )
  )
}
