import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { bodyFor } from '../../projections/user/bodies.ts'
import { readAnswer, readAnswers, UserConditions } from '../../wire/answer.ts'
import { type TagBase, userEtag } from '../../wire/etag.ts'
import { UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import type { ReadHead } from '../../wire/source.ts'
import { UserBody } from '../../wire/user.ts'
import { getUser, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase; readHead: ReadHead }

export function getUserRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getUser(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users/:userId',
    config: { scope: 'users:read' },
    schema: {
      tags: ['queries'],
      operationId: 'getUser',
      summary: 'Get a user',
      description: 'Who the user is, where they work, what they hold. The hot one: served as stored bytes.',
      params: z.object({ userId: UserIdParam }),

      headers: UserConditions,
      response: { ...readAnswers('The user.', UserBody), ...problems(400, 404, TRUER.tooOld, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { seesPersonal } = request
      const { version, bodies, ...source } = await handle(request.params.userId, request.headers['min-version']?.user)
      const answer = readAnswer(
        userEtag(deps.tagBase, seesPersonal, version),
        request.headers['if-none-match'],
        deps.readHead(source),
        bodyFor(bodies, seesPersonal),
      )
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
