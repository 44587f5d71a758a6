import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { DomainError } from '../../domain/errors.ts'
import { MAX_USER_ID, USER_STATUSES } from '../../domain/user.ts'
import { listAnswer, listAnswers } from '../../wire/answer.ts'
import { BranchId, digitsUpTo, line, MAX_LINE, RoleName, UserId } from '../../wire/fields.ts'
import { NoMinVersion } from '../../wire/min-version.ts'
import { CursorParam, LimitParam, UserPage } from '../../wire/page.ts'
import { problems } from '../../wire/problem.ts'
import { fault, TRUER } from '../../wire/problem-examples.ts'
import type { ReadHead } from '../../wire/source.ts'
import { type Deps as HandlerDeps, listUsers } from './handler.ts'

export type Deps = HandlerDeps & { readHead: ReadHead }

const MAX_IDS = 100

const ID = digitsUpTo(MAX_USER_ID)

const IdsParam = z
  .string()
  .regex(new RegExp(`^${ID}(,${ID}){0,${MAX_IDS - 1}}$`), `must be 1 to ${MAX_IDS} user ids, separated by commas`)
  .meta({
    description: `1 to ${MAX_IDS} user ids, separated by commas; no other filter beside them.`,
    examples: ['1,2,3'],
  })
  .transform((text) => text.split(',').map(Number))

const Filters = z.strictObject({
  ids: IdsParam.optional(),
  branchId: BranchId.optional(),
  role: RoleName.optional(),
  status: z.enum(USER_STATUSES).optional(),
  q: line(MAX_LINE, 'The beginning of "family given", without regard to case and diacritics.', 'wojcik').optional(),
  limit: LimitParam,
  cursor: CursorParam,
})

const UserList = UserPage.extend({
  missing: z.array(UserId).optional().meta({ description: 'With `ids`: those that do not exist.' }),
}).meta({ id: 'UserList' })

const LIMIT_FAULT = fault('query', '/limit', 'must be an integer, 1 to 200')

export function listUsersRoute(app: FastifyInstance, deps: Deps): void {
  const handle = listUsers(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users',
    config: { scope: 'users:read', load: 'search' },
    schema: {
      tags: ['queries'],
      operationId: 'listUsers',
      summary: 'Find users',
      description:
        'By id, by filter, or by the beginning of the name. Filters combine. Sorted by id, with `q` by name and id. ' +
        'A page may be short and not be the last: go on while `nextCursor` is not null.',
      querystring: Filters,
      headers: NoMinVersion,
      response: { ...listAnswers('The users.', UserList), ...problems(LIMIT_FAULT, TRUER.idsAlone, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { ids, branchId = null, role = null, status = null, q = null, limit, cursor } = request.query
      refuseFiltersBesideIds(request.query)
      const { source, body } = ids
        ? await handle.byIds(ids, request.seesPersonal)
        : await handle.byFilter({ branchId, role, status, q, limit, cursor }, request.seesPersonal)
      const answer = listAnswer(deps.readHead(source), body)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}

/** With `ids` nothing else has a meaning: better refused than silently left out. */
function refuseFiltersBesideIds(query: object): void {
  if (!('ids' in query) || Object.keys(query).length === 1) return
  throw new DomainError('ids-stand-alone', 'ids takes no other filter beside it.', '/ids')
}
