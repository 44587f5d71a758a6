import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { BranchId, RoleName, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { grantRole, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function grantRoleRoute(app: FastifyInstance, deps: Deps): void {
  const handle = grantRole(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/users/:userId/roles/:role',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'grantRole',
      summary: 'Grant a role',
      description: 'Everywhere, or at one of the user’s branches.',
      params: z.object({ userId: UserIdParam, role: RoleName }),
      querystring: z.strictObject({
        branchId: BranchId.optional().meta({ description: 'At this branch only; absent: everywhere.' }),
      }),
      headers: IfMatch,
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, query } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
      }
      const { version, visible } = await handle({
        userId: params.userId,
        role: params.role,
        branchId: query.branchId ?? null,
        context,
      })
      const tag = userEtag(deps.tagBase, request.seesPersonal, version)
      const answer = writeAnswer(tag, visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
