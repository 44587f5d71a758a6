import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { listAnswer, listAnswers } from '../../wire/answer.ts'
import { BranchId } from '../../wire/fields.ts'
import { NoMinVersion } from '../../wire/min-version.ts'
import { CursorParam, LimitParam, UserPage } from '../../wire/page.ts'
import { problems } from '../../wire/problem.ts'
import { fault } from '../../wire/problem-examples.ts'
import type { ReadHead } from '../../wire/source.ts'
import { getRoster, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { readHead: ReadHead }

const BRANCH_FAULT = fault('path', '/branchId', 'must be 1 to 16 letters, digits or hyphens')

export function getRosterRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getRoster(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/branches/:branchId/users',
    config: { scope: 'users:read', load: 'search' },
    schema: {
      tags: ['queries'],
      operationId: 'getRoster',
      summary: 'Who works at a branch',
      description: 'Active users, by id. An unknown branch is an empty roster: this service has no list of branches.',
      params: z.object({ branchId: BranchId }),
      querystring: z.strictObject({ limit: LimitParam, cursor: CursorParam }),
      headers: NoMinVersion,
      response: { ...listAnswers('The roster.', UserPage), ...problems(BRANCH_FAULT, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { limit, cursor } = request.query
      const { source, body } = await handle({ branchId: request.params.branchId, limit, cursor }, request.seesPersonal)
      const answer = listAnswer(deps.readHead(source), body)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
