import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfNoneMatch, readAnswer, readAnswers } from '../../wire/answer.ts'
import { etag, type TagBase } from '../../wire/etag.ts'
import { problems } from '../../wire/problem.ts'
import { fault } from '../../wire/problem-examples.ts'
import { CatalogueBody } from '../../wire/role.ts'
import type { ReadHead } from '../../wire/source.ts'
import { type Deps as HandlerDeps, listRoles } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase; readHead: ReadHead }

const QUERY_FAULT = fault('query', '/q', 'is not known here')

export function listRolesRoute(app: FastifyInstance, deps: Deps): void {
  const handle = listRoles(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/roles',
    config: { scope: 'users:read' },
    schema: {
      tags: ['roles'],
      operationId: 'listRoles',
      summary: 'Get the role catalogue',
      description: 'All roles with their permissions, at one version.',

      headers: IfNoneMatch,
      querystring: z.strictObject({}),
      response: { ...readAnswers('The catalogue.', CatalogueBody), ...problems(QUERY_FAULT, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { version, source, body } = await handle()
      const tag = etag(deps.tagBase, 'r', version)
      const answer = readAnswer(tag, request.headers['if-none-match'], deps.readHead(source), JSON.stringify(body))
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
