import { DomainError } from '../../domain/errors.ts'
import type { LegacyAnswer, LegacyRoute } from '../../ports/strangler.ts'
import { getUser, type Deps as QueryDeps } from '../../queries/get-user/handler.ts'
import { UserIdParam } from '../../wire/fields.ts'
import { LEGACY_HEADERS, LEGACY_HEADERS_COMPARED, LEGACY_NOT_FOUND, legacyUser } from '../../wire/legacy-user.ts'
import type { FullUserBody } from '../../wire/user.ts'

export type Deps = QueryDeps

export function legacyGetUser(deps: Deps): LegacyRoute {
  const handle = getUser(deps)
  return {
    id: 'get-user',
    scopes: ['users:read', 'users:pii'],
    method: 'GET',
    path: '/users/:id/',
    stickyBy: 'user',
    rules: {
      headers: LEGACY_HEADERS_COMPARED,
      unordered: { '/branches': null },
      shown: ['/id', '/is_active', '/home_branch', '/branches', '/updated'],
    },
    takes: ({ params, query }) => query === '' && UserIdParam.safeParse(params.id).success,
    async answer({ params }): Promise<LegacyAnswer> {
      try {
        const { version, bodies } = await handle(UserIdParam.parse(params.id))
        const user: FullUserBody = JSON.parse(bodies.full.toString())
        return { status: 200, headers: LEGACY_HEADERS, body: legacyUser(user), version: String(version) }
      } catch (error) {
        if (!(error instanceof DomainError && error.code === 'user-not-found')) throw error
        return { status: 404, headers: LEGACY_HEADERS, body: LEGACY_NOT_FOUND, version: null }
      }
    },
  }
}
