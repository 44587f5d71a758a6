import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { UserIdParam } from '../../wire/fields.ts'
import { IdempotencyKey, onceAKey } from '../../wire/idempotency.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { type Deps as HandlerDeps, suspendUser } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function suspendUserRoute(app: FastifyInstance, deps: Deps): void {
  const handle = suspendUser(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'POST',
    url: '/users/:userId/suspend',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'suspendUser',
      summary: 'Suspend a user',
      description: 'An active user may do nothing any more until reinstated.',
      params: z.object({ userId: UserIdParam }),
      headers: IfMatch.extend(IdempotencyKey),
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, TRUER.keyReused, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { userId } = request.params
      const once = onceAKey(request, ({ version }) =>
        writeAnswer(userEtag(deps.tagBase, request.seesPersonal, version), true, { userId, version }),
      )
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
        idempotency: once.idempotency,
      }
      const answer = once.answer({ ...(await handle({ userId, context })), userId })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
