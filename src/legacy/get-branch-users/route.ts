import { DomainError } from '../../domain/errors.ts'
import type { LegacyAnswer, LegacyRoute } from '../../ports/strangler.ts'
import { getRoster, type Deps as QueryDeps } from '../../queries/get-roster/handler.ts'
import { BranchId } from '../../wire/fields.ts'
import { LEGACY_HEADERS, LEGACY_HEADERS_COMPARED } from '../../wire/legacy-user.ts'
import { MAX_PAGE } from '../../wire/page.ts'
import type { UserBody } from '../../wire/user.ts'

export type Deps = QueryDeps

/** The legacy application has no pages. 5,000 people are more than any branch has. */
const MAX_PAGES = 25

export function legacyGetBranchUsers(deps: Deps): LegacyRoute {
  const roster = wholeRoster(deps)
  return {
    id: 'get-branch-users',
    scopes: ['users:read'],
    method: 'GET',
    path: '/branches/:branch/users/',
    stickyBy: 'terminal',
    // It sorts by last name as its database does, and nobody may rely on that: other databases sort otherwise.
    rules: { headers: LEGACY_HEADERS_COMPARED, unordered: { '': 'id' }, shown: ['/*/id'] },
    takes: ({ params, query }) => query === '' && BranchId.safeParse(params.branch).success,
    async answer({ params }): Promise<LegacyAnswer> {
      const users = await roster(BranchId.parse(params.branch))
      return {
        status: 200,
        headers: LEGACY_HEADERS,
        body: users.toSorted(byLastName).map(legacyMember),
        version: users.map(({ userId, version }) => `${userId}.${version}`).join(),
      }
    },
  }
}

function wholeRoster(deps: QueryDeps) {
  const page = getRoster(deps)
  return async (branchId: string): Promise<UserBody[]> => {
    const users: UserBody[] = []
    let cursor: string | undefined
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      // Nothing personal is in the legacy application's roster either.
      const { body } = await page({ branchId, limit: MAX_PAGE, cursor }, false)
      const { items, nextCursor }: { items: UserBody[]; nextCursor: string | null } = JSON.parse(body)
      users.push(...items)
      if (nextCursor === null) return users
      cursor = nextCursor
    }
    throw new DomainError('too-many', `More than ${MAX_PAGES * MAX_PAGE} people work at ${branchId}.`)
  }
}

const collator = new Intl.Collator('en')
const byLastName = (a: UserBody, b: UserBody): number => collator.compare(a.familyName, b.familyName)

const legacyMember = (user: UserBody) => ({
  id: user.userId,
  username: user.username,
  first_name: user.givenName,
  last_name: user.familyName,
  title: user.jobTitle ?? '',
})
