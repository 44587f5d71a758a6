import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { momentAnswer } from '../../wire/answer.ts'
import { forcedBreakerAnswers, NeighbourParam } from '../../wire/breaker.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { type Deps, releaseBreaker } from './handler.ts'

export function releaseBreakerRoute(app: FastifyInstance, deps: Deps): void {
  const handle = releaseBreaker(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'DELETE',
    url: '/breakers/:neighbour',
    config: { scope: 'operate' },
    schema: {
      tags: ['operation'],
      operationId: 'releaseBreaker',
      summary: 'Let a circuit breaker decide by itself again',
      description: 'It begins closed: here from this answer on, in all other replicas within a second.',
      params: z.object({ neighbour: NeighbourParam }),
      response: {
        ...forcedBreakerAnswers(),
        ...problems(TRUER.neighbourName, TRUER.neighbour, 413, 415, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { visible, ...forced } = await handle({ neighbour: request.params.neighbour, by: request.actor })
      const answer = momentAnswer(forced, visible)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
