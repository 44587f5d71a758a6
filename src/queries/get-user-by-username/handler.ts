import { DomainError } from '../../domain/errors.ts'
import type { UserReads } from '../../projections/near/near-views.ts'
import { isKnown, type KnownUser } from '../../projections/user/shown.ts'

export type Deps = { views: Pick<UserReads, 'byUsername'> }

export function getUserByUsername({ views }: Deps) {
  return async (username: string, minVersion = 0): Promise<KnownUser> => {
    const found = await views.byUsername(username, minVersion)
    if (!found || !isKnown(found)) throw new DomainError('user-not-found', 'There is no user with this username.')
    return found
  }
}
