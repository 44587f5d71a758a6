import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { IfMatch, WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { expectedVersions, type TagBase, USER_VARIANTS, userEtag } from '../../wire/etag.ts'
import {
  Email,
  EmployeeNumber,
  FamilyName,
  GivenName,
  JobTitle,
  Phone,
  UserIdParam,
  Username,
} from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { personalFieldsSet } from '../../wire/user.ts'
import { changeDetails, type Deps as HandlerDeps } from './handler.ts'

const DetailsPatch = z
  .strictObject({
    username: Username,
    employeeNumber: EmployeeNumber.nullable(),
    givenName: GivenName,
    familyName: FamilyName,
    email: Email.nullable(),
    phone: Phone.nullable(),
    jobTitle: JobTitle.nullable(),
  })
  .partial()
  .meta({ id: 'DetailsPatch', examples: [{ jobTitle: 'Branch manager', phone: null }] })

export type Deps = HandlerDeps & { tagBase: TagBase }

export function changeDetailsRoute(app: FastifyInstance, deps: Deps): void {
  const handle = changeDetails(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'PATCH',
    url: '/users/:userId',
    config: {
      scope: 'users:write',
      personal: (body: z.infer<typeof DetailsPatch>) => personalFieldsSet(body, undefined),
    },
    schema: {
      tags: ['commands'],
      operationId: 'changeDetails',
      summary: 'Change a user’s details',
      description: 'Merge patch (RFC 7396): what is absent stays, null clears what may be empty.',
      params: z.object({ userId: UserIdParam }),
      headers: IfMatch,
      body: DetailsPatch,
      consumes: ['application/json', 'application/merge-patch+json'],
      response: { ...writeAnswers(WrittenUser), ...problems(400, 404, 409, 412, 413, 415, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, body } = request
      const context = {
        expectedVersions: expectedVersions(request.headers['if-match'], deps.tagBase, USER_VARIANTS),
        by: request.actor,
      }
      const { version, visible } = await handle({ userId: params.userId, changes: body, context })
      const tag = userEtag(deps.tagBase, request.seesPersonal, version)
      const answer = writeAnswer(tag, visible, { userId: params.userId, version })
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
