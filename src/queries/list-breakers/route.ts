import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { momentAnswer, momentAnswers } from '../../wire/answer.ts'
import { BreakersBody } from '../../wire/breaker.ts'
import { problems } from '../../wire/problem.ts'
import { fault } from '../../wire/problem-examples.ts'
import { type Deps, listBreakers } from './handler.ts'

const QUERY_FAULT = fault('query', '/q', 'is not known here')

export function listBreakersRoute(app: FastifyInstance, deps: Deps): void {
  const handle = listBreakers(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/breakers',
    config: { scope: 'operate' },
    schema: {
      tags: ['operation'],
      operationId: 'listBreakers',
      summary: 'List the circuit breakers',
      description:
        'One for each other service that this one asks, as the replica that answers has it. What operators have forced is the same for all replicas, within a second.',
      querystring: z.strictObject({}),
      response: { ...momentAnswers('The breakers.', BreakersBody), ...problems(QUERY_FAULT, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (_request, reply) => {
      const answer = momentAnswer({ breakers: handle() })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
