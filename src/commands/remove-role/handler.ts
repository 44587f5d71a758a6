import { decideRemoveRole } from '../../domain/role.ts'
import type { Clock, RoleStore, WriteContext } from '../../ports.ts'

export type RemoveRole = { role: string; context: WriteContext }
export type Deps = { roles: RoleStore; now: Clock }

export function removeRole({ roles, now }: Deps) {
  return ({ role, context }: RemoveRole) => {
    const at = now().toISOString()
    return roles.update(role, context, (catalogue, holders) => decideRemoveRole(catalogue, role, holders, at))
  }
}
