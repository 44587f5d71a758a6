import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { momentAnswer } from '../../wire/answer.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { RouteParam, setRouteAnswers } from '../../wire/strangler.ts'
import { type Deps, resetRoute } from './handler.ts'

export function resetRouteRoute(app: FastifyInstance, deps: Deps): void {
  const handle = resetRoute(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'DELETE',
    url: '/strangler/routes/:route',
    config: { scope: 'operate' },
    schema: {
      tags: ['operation'],
      operationId: 'resetRoute',
      summary: 'Forget what was said of an endpoint of the legacy application',
      description: 'Its start value (STRANGLER_MODES) holds again, or `legacy`.',
      params: z.object({ route: RouteParam }),
      response: { ...setRouteAnswers(), ...problems(TRUER.routeId, TRUER.route, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { visible, ...reset } = await handle({ route: request.params.route, by: request.actor })
      const answer = momentAnswer(reset, visible)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
