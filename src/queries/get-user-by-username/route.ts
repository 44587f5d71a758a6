import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { bodyFor } from '../../projections/user/bodies.ts'
import { readAnswer, readAnswers, UserConditions } from '../../wire/answer.ts'
import { type TagBase, userEtag } from '../../wire/etag.ts'
import { UsernameParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { fault, TRUER } from '../../wire/problem-examples.ts'
import type { ReadHead } from '../../wire/source.ts'
import { UserBody } from '../../wire/user.ts'
import { getUserByUsername, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase; readHead: ReadHead }

const USERNAME_FAULT = fault('path', '/username', 'must be 1 to 64 characters without control characters')

export function getUserByUsernameRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getUserByUsername(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users/by-username/:username',
    config: { scope: 'users:read' },
    schema: {
      tags: ['queries'],
      operationId: 'getUserByUsername',
      summary: 'Get a user by username',
      description: 'For log-in. Compared without regard to ASCII case.',
      params: z.object({ username: UsernameParam }),

      headers: UserConditions,
      response: {
        ...readAnswers('The user.', UserBody),
        ...problems(USERNAME_FAULT, TRUER.username, TRUER.tooOld, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { seesPersonal } = request
      const { version, bodies, ...source } = await handle(request.params.username, request.headers['min-version']?.user)
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
