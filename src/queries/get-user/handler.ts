import { DomainError } from '../../domain/errors.ts'
import type { UserReads } from '../../projections/near/near-views.ts'
import { isKnown, type KnownUser } from '../../projections/user/shown.ts'

export type Deps = { views: Pick<UserReads, 'byId'> }

/** The hot one: the bytes as they are stored. */
export function getUser({ views }: Deps) {
  return async (userId: number, minVersion = 0): Promise<KnownUser> => {
    const user = await views.byId(userId, minVersion)
    if (!isKnown(user)) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    return user
  }
}
