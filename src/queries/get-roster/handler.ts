import type { UserLists } from '../../projections/lists/user-lists.ts'
import { bodiesFor } from '../../projections/user/shown.ts'
import { DEFAULT_PAGE, decodeCursor, pageBody } from '../../wire/page.ts'

export type Deps = { lists: UserLists }
export type GetRoster = { branchId: string; limit: number | undefined; cursor: string | undefined }

/** Active users only: who is suspended or terminated does not work there now. */
export function getRoster({ lists }: Deps) {
  return async ({ branchId, limit = DEFAULT_PAGE, cursor }: GetRoster, seesPersonal: boolean) => {
    const filter = { branchId, role: null, status: 'active', q: null } as const
    const { users, next, from } = await lists.list(filter, decodeCursor(filter, cursor), limit)
    return {
      source: { from },
      body: pageBody(bodiesFor(users, seesPersonal), filter, next),
    }
  }
}
