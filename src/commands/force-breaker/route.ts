import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { momentAnswer } from '../../wire/answer.ts'
import { BreakerForcing, forcedBreakerAnswers, NeighbourParam } from '../../wire/breaker.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { type Deps, forceBreaker } from './handler.ts'

export function forceBreakerRoute(app: FastifyInstance, deps: Deps): void {
  const handle = forceBreaker(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/breakers/:neighbour',
    config: { scope: 'operate' },
    schema: {
      tags: ['operation'],
      operationId: 'forceBreaker',
      summary: 'Force a circuit breaker open or closed',
      description:
        'Whether a neighbour is asked is then decided by nobody else, until it is released: here from this answer on, by all other replicas within a second. Also for a neighbour that is not configured yet.',
      params: z.object({ neighbour: NeighbourParam }),
      body: BreakerForcing,
      response: {
        ...forcedBreakerAnswers(),
        ...problems(TRUER.neighbourName, TRUER.neighbour, 413, 415, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, body } = request
      const command = { neighbour: params.neighbour, to: body.forced, reason: body.reason, by: request.actor }
      const { visible, ...forced } = await handle(command)
      const answer = momentAnswer(forced, visible)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
