import { DomainError } from '../../domain/errors.ts'
import type { ShownUser, UserViews } from '../../projections/user/views.ts'

export type Deps = { views: Pick<UserViews, 'byUsername'> }

export function getUserByUsername({ views }: Deps) {
  return async (username: string): Promise<ShownUser & { body: Buffer }> => {
    const found = await views.byUsername(username)
    if (!found?.body) throw new DomainError('user-not-found', 'There is no user with this username.')
    return { ...found, body: found.body }
  }
}
