import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { readAnswer, readAnswers, UserConditions } from '../../wire/answer.ts'
import { etag, type TagBase } from '../../wire/etag.ts'
import { BranchId, UserIdParam } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import type { ReadHead } from '../../wire/source.ts'
import { GrantBody, UserBody } from '../../wire/user.ts'
import { getPermissions, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { tagBase: TagBase; readHead: ReadHead }

const EffectivePermissions = z
  .object({
    userId: z.int(),
    branchId: z.string().nullable(),
    status: UserBody.shape.status,
    permissions: z.array(z.object({ permission: z.string(), effect: z.enum(['allow', 'approve']), by: GrantBody })),
    limits: UserBody.shape.limits,
    ignoredGrants: z
      .int()
      .meta({ description: 'Grants at branches that the user is not assigned to: they give nothing.' }),
  })
  .meta({ id: 'EffectivePermissions' })

export function getPermissionsRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getPermissions(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users/:userId/permissions',
    config: { scope: 'users:read' },
    schema: {
      tags: ['queries'],
      operationId: 'getPermissions',
      summary: 'Get effective permissions',
      description:
        'Roles joined with the catalogue: what the user may do, and within which limits. Who is not active may do nothing.',
      params: z.object({ userId: UserIdParam }),
      querystring: z.strictObject({
        branchId: BranchId.optional().meta({
          description: 'Grants at this branch count as well; absent: only those held everywhere.',
        }),
      }),
      headers: UserConditions,
      response: {
        ...readAnswers('What the user may do.', EffectivePermissions),
        ...problems(400, 404, TRUER.tooOld, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const branchId = request.query.branchId ?? null
      const least = request.headers['min-version']
      const { version, rolesVersion, source, body } = await handle(request.params.userId, branchId, least)
      const tag = etag(deps.tagBase, 'p', version, rolesVersion)
      const answer = readAnswer(tag, request.headers['if-none-match'], deps.readHead(source), JSON.stringify(body))
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
