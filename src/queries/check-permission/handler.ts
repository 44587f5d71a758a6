import { DomainError } from '../../domain/errors.ts'
import { decidePermission } from '../../domain/permissions.ts'
import type { CatalogueReads } from '../../projections/near/near-views.ts'
import type { Holders } from '../../projections/user/holders.ts'
import { ANY_VERSION } from '../../wire/min-version.ts'
import { together } from '../../wire/source.ts'

export type Deps = { holders: Holders; roles: CatalogueReads }
export type Question = { userId: number; permission: string; branchId: string | null }

/** One question, as a till asks it: may they, and why. */
export function checkPermission({ holders, roles }: Deps) {
  return async ({ userId, permission, branchId }: Question, least = ANY_VERSION) => {
    const [user, catalogue] = await Promise.all([holders(userId, least.user), roles.catalogue(least.roles)])
    if (user === null) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    return {
      version: user.version,
      rolesVersion: catalogue.version,
      source: together(user.source, catalogue),
      body: { userId, branchId, ...decidePermission(user.holder, catalogue, permission, branchId) },
    }
  }
}
