import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { MAX_USER_ID, USER_STATUSES } from '../../domain/user.ts'
import { listAnswer, listAnswers } from '../../wire/answer.ts'
import { BranchId, line, MAX_LINE, RoleName, UserId } from '../../wire/fields.ts'
import { CursorParam, LimitParam, UserPage } from '../../wire/page.ts'
import { problems } from '../../wire/problem.ts'
import { type Deps, listUsers } from './handler.ts'

const MAX_IDS = 100

const IdsParam = z
  .string()
  .regex(
    new RegExp(`^[1-9][0-9]{0,15}(,[1-9][0-9]{0,15}){0,${MAX_IDS - 1}}$`),
    `must be 1 to ${MAX_IDS} user ids, separated by commas`,
  )
  .transform((text) => text.split(',').map(Number))
  .refine((ids) => ids.every((id) => id <= MAX_USER_ID), `must hold user ids up to ${MAX_USER_ID}`)
  .meta({
    description: `Up to ${MAX_IDS} user ids, separated by commas; no other filter beside them.`,
    override: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: MAX_USER_ID },
      minItems: 1,
      maxItems: MAX_IDS,
    },
    param: { style: 'form', explode: false },
    examples: ['1,2,3'],
  })

const Filters = z.strictObject({
  ids: IdsParam.optional(),
  branchId: BranchId.optional(),
  role: RoleName.optional(),
  status: z.enum(USER_STATUSES).optional(),
  q: line(MAX_LINE, 'The beginning of "family given", without regard to case and diacritics.', 'wojcik').optional(),
  limit: LimitParam,
  cursor: CursorParam,
})

/** With `ids` nothing else has a meaning, so nothing else is taken. */
const Query = Filters.refine((query) => query.ids === undefined || Object.keys(query).length === 1, {
  path: ['ids'],
  message: 'must stand alone, without other filters',
})

const UserList = UserPage.extend({
  missing: z.array(UserId).optional().meta({ description: 'With `ids`: those that do not exist.' }),
}).meta({ id: 'UserList' })

export function listUsersRoute(app: FastifyInstance, deps: Deps): void {
  const handle = listUsers(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users',
    schema: {
      tags: ['queries'],
      summary: 'Find users',
      description:
        'By id, by filter, or by the beginning of the name. Filters combine. Sorted by id, with `q` by name and id. ' +
        'A page may be short and not be the last: go on while `nextCursor` is not null.',
      querystring: Query,
      response: { ...listAnswers('The users.', UserList), ...problems(400, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { ids, branchId = null, role = null, status = null, q = null, limit, cursor } = request.query
      const { from, body } = ids
        ? await handle.byIds(ids)
        : await handle.byFilter({ branchId, role, status, q, limit, cursor })
      const answer = listAnswer(from, body)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
