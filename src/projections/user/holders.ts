import { LRUCache } from 'lru-cache'
import type { Holder } from '../../domain/permissions.ts'
import type { Source } from '../../wire/source.ts'
import type { BareUserBody, UserBody } from '../../wire/user.ts'
import type { UserReads } from '../near/near-views.ts'
import type { Bodies } from './bodies.ts'
import { project } from './shown.ts'
import type { UserViews } from './views.ts'

const MAX_MEMOISED = 20_000

/** What permission questions need of a user. */
export type ShownHolder = { version: number; holder: Holder; limits: UserBody['limits']; source: Source }
export type Holders = ReturnType<typeof holders>

type Deps = { views: Pick<UserReads, 'byId'>; truths: UserViews['truths'] }

/** Users as holders of roles: their bodies are parsed once a version. Null: there is no such user. */
export function holders({ views, truths }: Deps, maxMemoised = MAX_MEMOISED) {
  const parsed = new LRUCache<number, { version: number; holder: Holder; limits: UserBody['limits'] }>({
    max: maxMemoised,
  })
  return async (userId: number, minVersion = 0): Promise<ShownHolder | null> => {
    const user = await views.byId(userId, minVersion)
    if (!user.bodies) return null
    const known = parsed.get(userId)
    if (known?.version === user.version) return { ...known, source: user }
    const read = parsedOrNull(user.bodies)
    if (read === null) return fromTruth(userId)
    const fresh = { version: user.version, ...read }
    // What moved while the database was read is answered under the version before, and must not be remembered as that.
    if (user.from !== 'database') parsed.set(userId, fresh)
    return { ...fresh, source: user }
  }

  /** What the copy says is no user: the auditor will find it. */
  async function fromTruth(userId: number): Promise<ShownHolder | null> {
    const [found] = await truths([userId])
    const read = found?.user ? parsedOrNull(project(found).bodies) : null
    return found && read ? { version: found.version, ...read, source: { from: 'database' } } : null
  }
}

/** What somebody may do says nothing of what is personal. */
function parsedOrNull({ bare }: Bodies) {
  try {
    const { status, branches, roles, limits } = JSON.parse(bare.toString()) as BareUserBody
    return Array.isArray(roles) ? { holder: { status, branches, roles }, limits } : null
  } catch {
    return null
  }
}
