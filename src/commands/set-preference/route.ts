import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { PreferenceKey, PreferenceValue, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { type Deps as HandlerDeps, setPreference } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function setPreferenceRoute(app: FastifyInstance, deps: Deps): void {
  const handle = setPreference(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/users/:userId/preferences/:key',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'setPreference',
      summary: 'Set a preference',
      description: 'Any text under a key.',
      params: z.object({ userId: UserIdParam, key: PreferenceKey }),
      headers: IfMatch,
      body: z
        .strictObject({ value: PreferenceValue })
        .meta({ id: 'PreferenceSetting', examples: [{ value: 'Dzień dobry! 👋' }] }),
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, body } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
      }
      const { version, visible } = await handle({ userId: params.userId, key: params.key, value: body.value, context })
      const tag = userEtag(deps.tagBase, request.seesPersonal, version)
      const answer = writeAnswer(tag, visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
