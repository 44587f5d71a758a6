import { type Deps as CommandDeps, changeDetails } from '../../commands/change-details/handler.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Details } from '../../domain/user.ts'
import type { LegacyAnswer, LegacyRequest, LegacyRoute } from '../../ports/strangler.ts'
import { getUser, type Deps as QueryDeps } from '../../queries/get-user/handler.ts'
import { Email, JobTitle, Phone, UserIdParam } from '../../wire/fields.ts'
import { LEGACY_HEADERS, LEGACY_NOT_FOUND, legacyUser } from '../../wire/legacy-user.ts'
import type { FullUserBody } from '../../wire/user.ts'

export type Deps = CommandDeps & QueryDeps

/** By the legacy names: what each becomes, and what is said of a wrong one. */
const FIELDS = {
  phone: { detail: 'phone', schema: Phone, refusal: 'Enter a valid phone number.' },
  email: { detail: 'email', schema: Email, refusal: 'Enter a valid email address.' },
  title: { detail: 'jobTitle', schema: JobTitle, refusal: 'Enter a valid title.' },
} as const
type Field = keyof typeof FIELDS

/** A write: never in shadow. The read that follows shows it, whether or not the read models know of it yet. */
export function legacyChangeUser(deps: Deps): LegacyRoute {
  const change = changeDetails(deps)
  const read = getUser(deps)
  return {
    id: 'change-user',
    // It answers with the person, as they are then.
    scopes: ['users:read', 'users:write', 'users:pii'],
    method: 'PATCH',
    path: '/users/:id/',
    stickyBy: 'user',
    rules: {},
    // Decided before the body is read: what was read cannot be handed on any more.
    takes: ({ params, query, headers }) =>
      query === '' && UserIdParam.safeParse(params.id).success && isPlainJson(headers),
    async answer({ params, body, by }): Promise<LegacyAnswer> {
      const userId = UserIdParam.parse(params.id)
      if (body === undefined) return wrong({ detail: 'JSON parse error.' })
      if (typeof body !== 'object' || body === null || Array.isArray(body)) return wrong({ detail: 'Invalid data.' })
      const { changes, refusals } = sorted(body)
      try {
        if (Object.keys(refusals).length > 0) {
          await read(userId)
          return wrong(refusals)
        }
        const written = await change({ userId, changes, context: { expectedVersions: null, by } })
        const { version, bodies } = await read(userId, written.version)
        const user: FullUserBody = JSON.parse(bodies.full.toString())
        return { status: 200, headers: LEGACY_HEADERS, body: legacyUser(user), version: String(version) }
      } catch (error) {
        return refused(error)
      }
    },
  }
}

/** The legacy application reads everything as JSON; what says that it is something else had better go there. */
function isPlainJson(headers: LegacyRequest['headers']): boolean {
  const type = headers['content-type']
  return (
    typeof type === 'string' && /^application\/json *(;|$)/i.test(type) && headers['content-encoding'] === undefined
  )
}

/** An empty text clears, as null does. Other members mean nothing, as they never did. */
function sorted(patch: { [Name in Field]?: unknown }) {
  const changes: Partial<Details> = {}
  const refusals: Partial<Record<Field, string[]>> = {}
  for (const [field, { detail, schema, refusal }] of Object.entries(FIELDS) as [Field, (typeof FIELDS)[Field]][]) {
    const value = patch[field]
    const text = schema.safeParse(value)
    if (value === undefined) continue
    if (value === null || value === '') changes[detail] = null
    else if (text.success) changes[detail] = text.data
    else refusals[field] = [refusal]
  }
  return { changes, refusals }
}

const wrong = (body: object): LegacyAnswer => ({ status: 400, headers: LEGACY_HEADERS, body, version: null })

function refused(error: unknown): LegacyAnswer {
  const code = error instanceof DomainError ? error.code : null
  if (code === 'user-not-found') return { status: 404, headers: LEGACY_HEADERS, body: LEGACY_NOT_FOUND, version: null }
  if (code !== 'user-terminated') throw error
  return { status: 409, headers: LEGACY_HEADERS, body: { detail: 'This user has left.' }, version: null }
}
