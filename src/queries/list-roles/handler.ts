import type { CatalogueReads } from '../../projections/near/near-views.ts'
import { roleBody } from '../../wire/role.ts'

export type Deps = { roles: CatalogueReads }

export function listRoles({ roles }: Deps) {
  return async () => {
    const { version, roles: all, ...source } = await roles.catalogue()
    return { version, source, body: { version, roles: all.map(roleBody) } }
  }
}
