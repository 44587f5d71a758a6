import { DomainError } from '../../domain/errors.ts'
import { isKnown, type KnownUser } from '../../projections/user/shown.ts'
import type { UserViews } from '../../projections/user/views.ts'

export type Deps = { views: Pick<UserViews, 'byId'> }

/** The hot one: the bytes as they are stored. */
export function getUser({ views }: Deps) {
  return async (userId: number): Promise<KnownUser> => {
    const user = await views.byId(userId)
    if (!isKnown(user)) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    return user
  }
}
