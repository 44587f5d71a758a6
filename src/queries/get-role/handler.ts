import { DomainError } from '../../domain/errors.ts'
import type { CatalogueReads } from '../../projections/near/near-views.ts'
import { roleBody } from '../../wire/role.ts'

export type Deps = { roles: CatalogueReads }

export function getRole({ roles }: Deps) {
  return async (name: string) => {
    const { version, roles: all, ...source } = await roles.catalogue()
    const role = all.find((known) => known.role === name)
    if (!role) throw new DomainError('role-not-found', `There is no role "${name}".`)
    return { version, source, body: roleBody(role) }
  }
}
