import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { readAnswer, readAnswers, UserConditions } from '../../wire/answer.ts'
import { etag, type TagBase } from '../../wire/etag.ts'
import { BranchId, PermissionName, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import type { ReadHead } from '../../wire/source.ts'
import { GrantBody } from '../../wire/user.ts'
import { checkPermission, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase; readHead: ReadHead }

const PermissionDecision = z
  .object({
    userId: z.int(),
    branchId: z.string().nullable(),
    permission: z.string(),
    decision: z.enum(['allow', 'approve', 'deny']),
    reason: z.enum(['granted', 'not-granted', 'unknown-permission', 'user-suspended', 'user-terminated']),
    by: GrantBody.nullable().meta({ description: 'The grant that decided it.' }),
  })
  .meta({ id: 'PermissionDecision' })

export function checkPermissionRoute(app: FastifyInstance, deps: Deps): void {
  const handle = checkPermission(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users/:userId/permissions/:permission',
    config: { scope: 'users:read' },
    schema: {
      tags: ['queries'],
      operationId: 'checkPermission',
      summary: 'May this user do that?',
      description:
        '`allow`, `approve` (with a manager’s approval) or `deny`, and which grant or which lack decided it.',
      params: z.object({ userId: UserIdParam, permission: PermissionName }),
      querystring: z.strictObject({
        branchId: BranchId.optional().meta({
          description: 'Grants at this branch count as well; absent: only those held everywhere.',
        }),
      }),
      headers: UserConditions,
      response: {
        ...readAnswers('The answer, and why.', PermissionDecision),
        ...problems(400, 404, TRUER.tooOld, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, query } = request
      const question = { ...params, branchId: query.branchId ?? null }
      const { version, rolesVersion, source, body } = await handle(question, request.headers['min-version'])
      const tag = etag(deps.tagBase, 'p', version, rolesVersion)
      const answer = readAnswer(tag, request.headers['if-none-match'], deps.readHead(source), JSON.stringify(body))
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
