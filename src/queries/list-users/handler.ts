import type { ListFilter, UserLists } from '../../projections/lists/user-lists.ts'
import type { UserReads } from '../../projections/near/near-views.ts'
import { bodiesFor } from '../../projections/user/shown.ts'
import { DEFAULT_PAGE, decodeCursor, pageBody } from '../../wire/page.ts'
import { together } from '../../wire/source.ts'

export type Deps = { lists: UserLists; views: Pick<UserReads, 'byIds'> }
/** `seesPersonal`: chooses what is shown of each, and nothing else: who is found, and where, is the same for everybody. */
export type ListUsers = ListFilter & { limit: number | undefined; cursor: string | undefined }

export function listUsers({ lists, views }: Deps) {
  return {
    async byFilter({ limit = DEFAULT_PAGE, cursor, ...filter }: ListUsers, seesPersonal: boolean) {
      const { users, next, from } = await lists.list(filter, decodeCursor(filter, cursor), limit)
      return {
        source: { from },
        body: pageBody(bodiesFor(users, seesPersonal), filter, next),
      }
    },
    /** In the order asked for, each once; `missing` names those that do not exist. */
    async byIds(ids: number[], seesPersonal: boolean) {
      const users = await views.byIds([...new Set(ids)])
      const missing = users.filter(({ bodies }) => bodies === null).map(({ userId }) => userId)
      const source = together(...users)
      return {
        source,
        body: pageBody(bodiesFor(users, seesPersonal), {}, null, { missing }),
      }
    },
  }
}
