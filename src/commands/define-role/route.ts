import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenRole, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { etag, expectedVersions, type TagBase } from '../../wire/etag.ts'
import { RoleName } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { RoleDefinition } from '../../wire/role.ts'
import { defineRole, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase }

export function defineRoleRoute(app: FastifyInstance, deps: Deps): void {
  const handle = defineRole(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PUT',
    url: '/roles/:role',
    config: { scope: 'roles:write' },
    schema: {
      tags: ['roles'],
      operationId: 'defineRole',
      summary: 'Define a role',
      description:
        'Makes the role, or gives it this title and these permissions; in force for everybody who holds it at once.',
      params: z.object({ role: RoleName }),
      headers: IfMatch,
      body: RoleDefinition,
      response: {
        ...writeAnswers(WrittenRole),
        ...problems(TRUER.roleName, TRUER.tooManyRoles, TRUER.catalogue, 413, 415, TRUER.twice, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, body } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, ['r']),
        by: request.actor,
      }
      const { version, visible } = await handle({ role: { role: params.role, ...body }, context })
      const answer = writeAnswer(etag(deps.tagBase, 'r', version), visible, { role: params.role, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
