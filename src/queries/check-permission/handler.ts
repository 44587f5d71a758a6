import { DomainError } from '../../domain/errors.ts'
import { decidePermission } from '../../domain/permissions.ts'
import type { RoleViews } from '../../projections/roles/store.ts'
import type { Holders } from '../../projections/user/holders.ts'
import { furthest } from '../../wire/answer.ts'

export type Deps = { holders: Holders; roles: Pick<RoleViews, 'catalogue'> }
export type Question = { userId: number; permission: string; branchId: string | null }

/** One question, as a till asks it: may they, and why. */
export function checkPermission({ holders, roles }: Deps) {
  return async ({ userId, permission, branchId }: Question) => {
    const [user, catalogue] = await Promise.all([holders(userId), roles.catalogue()])
    if (user === null) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    return {
      version: user.version,
      rolesVersion: catalogue.version,
      from: furthest(user.from, catalogue.from),
      body: { userId, branchId, ...decidePermission(user.holder, catalogue, permission, branchId) },
    }
  }
}
