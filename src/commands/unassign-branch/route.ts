import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { BranchId, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { type Deps as HandlerDeps, unassignBranch } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function unassignBranchRoute(app: FastifyInstance, deps: Deps): void {
  const handle = unassignBranch(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'DELETE',
    url: '/users/:userId/branches/:branchId',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'unassignBranch',
      summary: 'Take a user off a branch',
      description: 'Not the home branch, and not one at which roles are held.',
      params: z.object({ userId: UserIdParam, branchId: BranchId }),
      headers: IfMatch,
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, TRUER.home, 412, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
      }
      const { version, visible } = await handle({ userId: params.userId, branchId: params.branchId, context })
      const tag = userEtag(deps.tagBase, request.seesPersonal, version)
      const answer = writeAnswer(tag, visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
