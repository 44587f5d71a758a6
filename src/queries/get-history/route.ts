import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { listAnswer, listAnswers } from '../../wire/answer.ts'
import { UserIdParam } from '../../wire/fields.ts'
import { HistoryLimit, HistoryPage } from '../../wire/history.ts'
import { NoMinVersion } from '../../wire/min-version.ts'
import { CursorParam } from '../../wire/page.ts'
import { problems } from '../../wire/problem.ts'
import type { ReadHead } from '../../wire/source.ts'
import { getHistory, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { readHead: ReadHead }

export function getHistoryRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getHistory(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users/:userId/history',
    config: { scope: 'users:audit', load: 'search' },
    schema: {
      tags: ['queries'],
      operationId: 'getHistory',
      summary: 'What was done to a user',
      description:
        'By commands of this service, the newest first: who did it, when, from where, and what each field was before. Read from the database, also of a user who is gone. What other programs have written stands in no history.',
      params: z.object({ userId: UserIdParam }),
      querystring: z.strictObject({ limit: HistoryLimit, cursor: CursorParam }),
      headers: NoMinVersion,
      response: { ...listAnswers('The history.', HistoryPage), ...problems(400, 404, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { limit, cursor } = request.query
      const body = await handle({ userId: request.params.userId, limit, cursor }, request.seesPersonal)
      const answer = listAnswer(deps.readHead({ from: 'database' }), body)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
