import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { etag, expectedVersions, type TagBase } from '../../wire/etag.ts'
import { UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { type Deps as HandlerDeps, suspendUser } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function suspendUserRoute(app: FastifyInstance, deps: Deps): void {
  const handle = suspendUser(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'POST',
    url: '/users/:userId/suspend',
    schema: {
      tags: ['commands'],
      operationId: 'suspendUser',
      summary: 'Suspend a user',
      description: 'An active user may do nothing any more until reinstated.',
      params: z.object({ userId: UserIdParam }),
      headers: IfMatch,
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, ['u', 'p']),
        by: request.actor,
      }
      const { version, visible } = await handle({ userId: params.userId, context })
      const answer = writeAnswer(etag(deps.tagBase, 'u', version), visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
