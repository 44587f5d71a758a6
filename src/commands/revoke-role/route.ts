import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { BranchId, RoleName, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { type Deps as HandlerDeps, revokeRole } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function revokeRoleRoute(app: FastifyInstance, deps: Deps): void {
  const handle = revokeRole(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'DELETE',
    url: '/users/:userId/roles/:role',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'revokeRole',
      summary: 'Revoke a role',
      description: 'Takes back exactly one grant: the one everywhere, or the one at `branchId`.',
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
