import { DomainError } from '../../domain/errors.ts'
import type { ShownUser, UserViews } from '../../projections/user/views.ts'

export type Deps = { views: Pick<UserViews, 'byId'> }

/** The hot one: the bytes as they are stored. */
export function getUser({ views }: Deps) {
  return async (userId: number): Promise<ShownUser & { body: Buffer }> => {
    const { body, ...user } = await views.byId(userId)
    if (body === null) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    return { ...user, body }
  }
}
