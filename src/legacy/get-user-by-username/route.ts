import { DomainError } from '../../domain/errors.ts'
import type { LegacyAnswer, LegacyRoute } from '../../ports/strangler.ts'
import type { Clock } from '../../ports.ts'
import { getUserByUsername, type Deps as QueryDeps } from '../../queries/get-user-by-username/handler.ts'
import { UsernameParam } from '../../wire/fields.ts'
import {
  LEGACY_HEADERS,
  LEGACY_HEADERS_COMPARED,
  LEGACY_NOT_FOUND,
  legacyTime,
  legacyUser,
} from '../../wire/legacy-user.ts'
import type { FullUserBody } from '../../wire/user.ts'

export type Deps = QueryDeps & { now: Clock }

export function legacyGetUserByUsername(deps: Deps): LegacyRoute {
  const handle = getUserByUsername(deps)
  return {
    id: 'get-user-by-username',
    scopes: ['users:read', 'users:pii'],
    method: 'GET',
    path: '/users/by-username/:username/',
    stickyBy: 'user',
    // Nothing is said of generated_at: it differs on every call, so a second look at the legacy answer tells it as noise.
    rules: {
      headers: LEGACY_HEADERS_COMPARED,
      unordered: { '/branches': null },
      shown: ['/id', '/is_active', '/home_branch', '/branches', '/updated', '/generated_at'],
    },
    // A slash in a name (`%2F`) is the end of it to the legacy application.
    takes: ({ params: { username = '/' }, query }) =>
      query === '' && !username.includes('/') && UsernameParam.safeParse(username).success,
    async answer({ params }): Promise<LegacyAnswer> {
      try {
        const { version, bodies } = await handle(UsernameParam.parse(params.username))
        const user: FullUserBody = JSON.parse(bodies.full.toString())
        const generated_at = legacyTime(deps.now().toISOString())
        return {
          status: 200,
          headers: LEGACY_HEADERS,
          body: { ...legacyUser(user), generated_at },
          version: String(version),
        }
      } catch (error) {
        if (!(error instanceof DomainError && error.code === 'user-not-found')) throw error
        return { status: 404, headers: LEGACY_HEADERS, body: LEGACY_NOT_FOUND, version: null }
      }
    },
  }
}
