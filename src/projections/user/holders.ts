import { LRUCache } from 'lru-cache'
import type { Holder } from '../../domain/permissions.ts'
import type { Source } from '../../wire/source.ts'
import type { UserBody } from '../../wire/user.ts'
import type { UserReads } from '../near/near-views.ts'
import type { ShownUser } from './shown.ts'

const MAX_MEMOISED = 20_000

/** What permission questions need of a user. */
export type ShownHolder = { version: number; holder: Holder; limits: UserBody['limits']; source: Source }
export type Holders = ReturnType<typeof holders>

/** Users as holders of roles: their bodies are parsed once a version. Null: there is no such user. */
export function holders(views: Pick<UserReads, 'byId'>, maxMemoised = MAX_MEMOISED) {
  const parsed = new LRUCache<number, { version: number; holder: Holder; limits: UserBody['limits'] }>({
    max: maxMemoised,
  })
  return async (userId: number, minVersion = 0): Promise<ShownHolder | null> => {
    const user = await views.byId(userId, minVersion)
    if (!user.body) return null
    const known = parsed.get(userId)
    if (known?.version === user.version) return { ...known, source: user }
    const fresh = { version: user.version, ...parse(user.body) }
    // What moved while the database was read is answered under the version before, and must not be remembered as that.
    if (user.from !== 'database') parsed.set(userId, fresh)
    return { ...fresh, source: user }
  }
}

function parse(body: NonNullable<ShownUser['body']>) {
  const { status, branches, roles, limits } = JSON.parse(body.toString()) as UserBody
  return { holder: { status, branches, roles }, limits }
}
