import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { momentAnswer, momentAnswers } from '../../wire/answer.ts'
import { problems } from '../../wire/problem.ts'
import { fault } from '../../wire/problem-examples.ts'
import { RoutesBody } from '../../wire/strangler.ts'
import { type Deps as HandlerDeps, listRoutes } from './handler.ts'

export type Deps = HandlerDeps & { latencyBucketsMs: readonly number[] }

const QUERY_FAULT = fault('query', '/q', 'is not known here')

export function listRoutesRoute(app: FastifyInstance, deps: Deps): void {
  const handle = listRoutes(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/strangler/routes',
    config: { scope: 'operate' },
    schema: {
      tags: ['operation'],
      operationId: 'listRoutes',
      summary: 'List the endpoints of the legacy application that are taken over',
      description:
        'Who answers each, as the replica that answers this has it, and what is known of how well: counted in all replicas, a second late.',
      querystring: z.strictObject({}),
      response: { ...momentAnswers('The routes.', RoutesBody), ...problems(QUERY_FAULT, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (_request, reply) => {
      const answer = momentAnswer({ routes: await handle(), latencyBucketsMs: deps.latencyBucketsMs })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
