import type { CatalogueReads } from '../../projections/near/near-views.ts'
import { roleBody } from '../../wire/role.ts'

export type Deps = { roles: CatalogueReads }

export function listRoles({ roles }: Deps) {
  return async () => {
    const { version, roles: all, from } = await roles.catalogue()
    return { version, from, body: { version, roles: all.map(roleBody) } }
  }
}
