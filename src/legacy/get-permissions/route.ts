import { DomainError } from '../../domain/errors.ts'
import type { LegacyAnswer, LegacyRoute } from '../../ports/strangler.ts'
import { getPermissions, type Deps as QueryDeps } from '../../queries/get-permissions/handler.ts'
import { BranchId, UserIdParam } from '../../wire/fields.ts'
import { LEGACY_HEADERS, LEGACY_HEADERS_COMPARED, LEGACY_NOT_FOUND } from '../../wire/legacy-user.ts'

export type Deps = QueryDeps

export function legacyGetPermissions(deps: Deps): LegacyRoute {
  const handle = getPermissions(deps)
  return {
    id: 'get-permissions',
    scopes: ['users:read'],
    method: 'GET',
    path: '/users/:id/permissions/',
    stickyBy: 'user',
    // What somebody may do says nothing of who they are.
    rules: { headers: LEGACY_HEADERS_COMPARED, shown: ['/branch', '/permissions'] },
    takes: ({ params, query }) => UserIdParam.safeParse(params.id).success && branchOf(query) !== undefined,
    async answer({ params, query }): Promise<LegacyAnswer> {
      const branch = branchOf(query) ?? null
      try {
        const { version, rolesVersion, body } = await handle(UserIdParam.parse(params.id), branch)
        const permissions = Object.fromEntries(body.permissions.map(({ permission, effect }) => [permission, effect]))
        return {
          status: 200,
          headers: LEGACY_HEADERS,
          body: { user: body.userId, branch, permissions },
          version: `${version}.${rolesVersion}`,
        }
      } catch (error) {
        if (!(error instanceof DomainError && error.code === 'user-not-found')) throw error
        return { status: 404, headers: LEGACY_HEADERS, body: LEGACY_NOT_FOUND, version: null }
      }
    },
  }
}

/** `branch=B001`, or nothing, which is null. Undefined: anything else, which the legacy application may make sense of. */
function branchOf(query: string): string | null | undefined {
  if (query === '') return null
  return query.startsWith('branch=') ? BranchId.safeParse(query.slice('branch='.length)).data : undefined
}
