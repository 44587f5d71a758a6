import { DomainError } from '../../domain/errors.ts'
import { foldName, searchName } from '../../domain/names.ts'
import { MAX_USER_ID } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth, UserFilter } from '../../ports.ts'
import type { ReadFrom } from '../../wire/source.ts'
import type { BareUserBody } from '../../wire/user.ts'
import type { Keys } from '../keys.ts'
import { isKnown, project, type ShownUser, shown } from '../user/shown.ts'
import { IndexUnusable } from './index-unusable.ts'
import { everybody, type Index, namesBeginningWith, roster } from './indexes.ts'
import type { Lists } from './lists.ts'

/** `next`: the key to go on after, for a cursor; null on the last page. */
export type UserSlice = { users: ShownUser[]; next: string | null; from: ReadFrom }
export type ListFilter = UserFilter & { q: string | null }
export type UserLists = ReturnType<typeof userLists>
type Deps = { redis: ReadModelRedis; keys: Keys; truth: Truth; pages: Lists }

/** Chooses where a list comes from: an index in Redis where there is one that fits and may be used, else the database. */
export function userLists(deps: Deps) {
  return {
    /**
     * Rejects with `search-unavailable`, and why, when `q` is asked for while its index cannot be used: SQL cannot fold
     * names.
     */
    async list(filter: ListFilter, after: string | null, limit: number): Promise<UserSlice> {
      if (filter.q !== null) return search(deps, filter.q, filter, after, limit)
      if (isRoster(filter)) return fromIndexOrTruth(deps, roster(deps, filter.branchId), filter, after, limit)
      if (isOpen(filter)) return fromIndexOrTruth(deps, everybody(deps), filter, after, limit)
      return fromTruth(deps, filter, after, limit)
    },
  }
}

type RosterFilter = ListFilter & { branchId: string }
function isRoster(filter: ListFilter): filter is RosterFilter {
  return filter.branchId !== null && filter.status === 'active' && filter.role === null
}

function isOpen({ branchId, role, status }: UserFilter): boolean {
  return branchId === null && role === null && status === null
}

async function search(
  deps: Deps,
  q: string,
  filter: ListFilter,
  after: string | null,
  limit: number,
): Promise<UserSlice> {
  const index = namesBeginningWith(deps, q)
  const slice = await deps.pages.page(index, after ?? index.first, limit, matching(filter)).catch((error: unknown) => {
    throw error instanceof IndexUnusable ? new DomainError('search-unavailable', error.message) : error
  })
  return { users: slice.users, next: slice.nextAfter, from: 'redis' }
}

async function fromIndexOrTruth(
  deps: Deps,
  index: Index<number>,
  filter: ListFilter,
  after: string | null,
  limit: number,
) {
  const slice = await deps.pages.page(index, idOf(after), limit, matching(filter)).catch((error: unknown) => {
    if (error instanceof IndexUnusable) return null
    throw error
  })
  if (slice === null) return fromTruth(deps, filter, after, limit)
  const next = slice.nextAfter === null ? null : String(slice.nextAfter)
  return { users: slice.users, next, from: 'redis' as const }
}

async function fromTruth({ truth }: Deps, filter: ListFilter, after: string | null, limit: number): Promise<UserSlice> {
  const ids = await truth.userIds(filter, idOf(after), limit + 1)
  const found = await truth.users(ids.slice(0, limit))
  const matches = matching(filter)
  const users = found.flatMap((read) => {
    const user = shown(read.userId, project(read), 'database')
    return isKnown(user) && matches(user) ? [user] : []
  })
  return { users, next: ids.length > limit ? String(ids[limit - 1]) : null, from: 'database' }
}

/** A cursor that somebody made up goes on nowhere rather than anywhere. */
function idOf(after: string | null): number {
  if (after === null) return 0
  const id = Number(after)
  return Number.isSafeInteger(id) && id >= 0 ? id : MAX_USER_ID
}

/**
 * By what is shown: whom an index, or a query, has found may have changed before the bodies were read. And by what
 * everybody is shown: else a filter would tell what the answer leaves out.
 */
function matching(filter: ListFilter): (user: ShownUser) => boolean {
  if (isOpen(filter) && filter.q === null) return () => true
  const { branchId, role, status } = filter
  const prefix = foldName(filter.q ?? '')
  return ({ bodies }) => {
    const user = JSON.parse(bodies?.bare.toString() ?? '{}') as Partial<BareUserBody>
    return (
      (status === null || user.status === status) &&
      (branchId === null || user.branches?.includes(branchId) === true) &&
      (role === null || user.roles?.some((grant) => grant.role === role) === true) &&
      (prefix === '' || searchName(user.familyName ?? '', user.givenName ?? '').startsWith(prefix))
    )
  }
}
