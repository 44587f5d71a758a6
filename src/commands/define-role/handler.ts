import { decideDefineRole, type Role } from '../../domain/role.ts'
import type { Clock, RoleStore, WriteContext } from '../../ports.ts'

export type DefineRole = { role: Role; context: WriteContext }
export type Deps = { roles: RoleStore; now: Clock }

export function defineRole({ roles, now }: Deps) {
  return ({ role, context }: DefineRole) => {
    const at = now().toISOString()
    return roles.update(role.role, context, (catalogue) => decideDefineRole(catalogue, role, at))
  }
}
