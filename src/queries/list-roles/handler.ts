import type { RoleViews } from '../../projections/roles/store.ts'
import { roleBody } from '../../wire/role.ts'

export type Deps = { roles: Pick<RoleViews, 'catalogue'> }

export function listRoles({ roles }: Deps) {
  return async () => {
    const { version, roles: all, from } = await roles.catalogue()
    return { version, from, body: { version, roles: all.map(roleBody) } }
  }
}
