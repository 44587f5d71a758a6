import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfNoneMatch, readAnswer, readAnswers } from '../../wire/answer.ts'
import { etag, type TagBase } from '../../wire/etag.ts'
import { RoleName } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { RoleBody } from '../../wire/role.ts'
import type { ReadHead } from '../../wire/source.ts'
import { getRole, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase; readHead: ReadHead }

export function getRoleRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getRole(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/roles/:role',
    config: { scope: 'users:read' },
    schema: {
      tags: ['roles'],
      operationId: 'getRole',
      summary: 'Get a role',
      description: 'One role; its tag is the catalogue’s.',
      params: z.object({ role: RoleName }),

      headers: IfNoneMatch,
      response: { ...readAnswers('The role.', RoleBody), ...problems(TRUER.roleName, TRUER.role, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { version, source, body } = await handle(request.params.role)
      const tag = etag(deps.tagBase, 'r', version)
      const answer = readAnswer(tag, request.headers['if-none-match'], deps.readHead(source), JSON.stringify(body))
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
