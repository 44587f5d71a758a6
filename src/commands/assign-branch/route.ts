import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { BranchId, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { assignBranch, type Deps as HandlerDeps } from './handler.ts'

const Assignment = z
  .strictObject({ home: z.literal(true).optional().meta({ description: 'Make it the home branch.' }) })
  .optional()
  .meta({ id: 'Assignment', examples: [{ home: true }] })

export type Deps = HandlerDeps & { tagBase: TagBase }

export function assignBranchRoute(app: FastifyInstance, deps: Deps): void {
  const handle = assignBranch(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/users/:userId/branches/:branchId',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'assignBranch',
      summary: 'Assign a user to a branch',
      description: 'With `home` it becomes the home branch as well.',
      params: z.object({ userId: UserIdParam, branchId: BranchId }),
      headers: IfMatch,
      body: Assignment,
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, body } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
      }
      const { version, visible } = await handle({
        userId: params.userId,
        branchId: params.branchId,
        home: body?.home ?? false,
        context,
      })
      const tag = userEtag(deps.tagBase, request.seesPersonal, version)
      const answer = writeAnswer(tag, visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
