import { DomainError } from '../../domain/errors.ts'
import { effectivePermissions } from '../../domain/permissions.ts'
import { compareText } from '../../domain/user.ts'
import type { CatalogueReads } from '../../projections/near/near-views.ts'
import type { Holders } from '../../projections/user/holders.ts'
import { ANY_VERSION } from '../../wire/min-version.ts'
import { together } from '../../wire/source.ts'

export type Deps = { holders: Holders; roles: CatalogueReads }

/** Everything that the user may do, with the grant that decided each. */
export function getPermissions({ holders, roles }: Deps) {
  return async (userId: number, branchId: string | null, least = ANY_VERSION) => {
    const [user, catalogue] = await Promise.all([holders(userId, least.user), roles.catalogue(least.roles)])
    if (user === null) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    const { permissions, ignored } = effectivePermissions(user.holder, catalogue, branchId)
    return {
      version: user.version,
      rolesVersion: catalogue.version,
      source: together(user.source, catalogue),
      body: {
        userId,
        branchId,
        status: user.holder.status,
        permissions: [...permissions.values()].sort((a, b) => compareText(a.permission, b.permission)),
        limits: user.limits,
        ignoredGrants: ignored,
      },
    }
  }
}
