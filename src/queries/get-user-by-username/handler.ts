import { DomainError } from '../../domain/errors.ts'
import { isKnown, type KnownUser } from '../../projections/user/shown.ts'
import type { UserViews } from '../../projections/user/views.ts'

export type Deps = { views: Pick<UserViews, 'byUsername'> }

export function getUserByUsername({ views }: Deps) {
  return async (username: string): Promise<KnownUser> => {
    const found = await views.byUsername(username)
    if (!found || !isKnown(found)) throw new DomainError('user-not-found', 'There is no user with this username.')
    return found
  }
}
