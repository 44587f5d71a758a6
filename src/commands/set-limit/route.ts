import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { LIMITS } from '../../domain/limits.ts'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import { LimitNameParam, LimitValue, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { type Deps as HandlerDeps, setLimit } from './handler.ts'

const RANGES = Object.entries(LIMITS).map(
  ([name, { min, max, unit, title }]) => `| \`${name}\` | ${min} to ${max} ${unit} | ${title} |`,
)

export type Deps = HandlerDeps & { tagBase: TagBase }

export function setLimitRoute(app: FastifyInstance, deps: Deps): void {
  const handle = setLimit(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/users/:userId/limits/:limit',
    config: { scope: 'users:write' },
    schema: {
      tags: ['commands'],
      operationId: 'setLimit',
      summary: 'Set a limit',
      description: `A whole number, within the range of that limit:\n\n| limit | range | |\n|---|---|---|\n${RANGES.join('\n')}`,
      params: z.object({ userId: UserIdParam, limit: LimitNameParam }),
      headers: IfMatch,
      body: z.strictObject({ value: LimitValue }).meta({ id: 'LimitSetting', examples: [{ value: 15 }] }),
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, TRUER.outOfRange, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, body } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
      }
      const { version, visible } = await handle({
        userId: params.userId,
        limit: params.limit,
        value: body.value,
        context,
      })
      const tag = userEtag(deps.tagBase, request.seesPersonal, version)
      const answer = writeAnswer(tag, visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
