import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenRole, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { etag, expectedVersions, type TagBase } from '../../wire/etag.ts'
import { RoleName } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { type Deps as HandlerDeps, removeRole } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function removeRoleRoute(app: FastifyInstance, deps: Deps): void {
  const handle = removeRole(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'DELETE',
    url: '/roles/:role',
    config: { scope: 'roles:write' },
    schema: {
      tags: ['roles'],
      operationId: 'removeRole',
      summary: 'Remove a role',
      description: 'Only one that nobody holds.',
      params: z.object({ role: RoleName }),
      headers: IfMatch,
      response: {
        ...writeAnswers(WrittenRole),
        ...problems(TRUER.roleName, TRUER.inUse, TRUER.catalogue, 413, 415, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, ['r']),
        by: request.actor,
      }
      const { version, visible } = await handle({ role: params.role, context })
      const answer = writeAnswer(etag(deps.tagBase, 'r', version), visible, { role: params.role, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
