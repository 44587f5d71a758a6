import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import type { Mode } from '../../domain/strangler.ts'
import { momentAnswer } from '../../wire/answer.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { RouteModeSetting, RouteParam, setRouteAnswers } from '../../wire/strangler.ts'
import { type Deps, setRoute } from './handler.ts'

export function setRouteRoute(app: FastifyInstance, deps: Deps): void {
  const handle = setRoute(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/strangler/routes/:route',
    config: { scope: 'operate' },
    schema: {
      tags: ['operation'],
      operationId: 'setRoute',
      summary: 'Say who answers an endpoint of the legacy application',
      description:
        'Here from this answer on, in all other replicas within a second; until it is said otherwise, but that a canary that does worse than the legacy application is set back to it by itself.',
      params: z.object({ route: RouteParam }),
      body: RouteModeSetting,
      response: {
        ...setRouteAnswers(),
        ...problems(TRUER.routeId, TRUER.route, 413, 415, TRUER.notTwice, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { mode, percent = 0, reason } = request.body
      const to: Mode = mode === 'canary' ? { mode, percent } : { mode }
      const { visible, ...set } = await handle({ route: request.params.route, to, reason, by: request.actor })
      const answer = momentAnswer(set, visible)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
