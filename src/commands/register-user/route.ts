import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { type TagBase, userEtag } from '../../wire/etag.ts'
import { BranchId, Email, EmployeeNumber, FamilyName, GivenName, JobTitle, Phone, Username } from '../../wire/fields.ts'
import { IdempotencyKey, onceAKey } from '../../wire/idempotency.ts'
import { problems } from '../../wire/problem.ts'
import { fault, TRUER } from '../../wire/problem-examples.ts'
import { personalFieldsSet } from '../../wire/user.ts'
import { type Deps as HandlerDeps, registerUser } from './handler.ts'

const Registration = z
  .strictObject({
    username: Username,
    employeeNumber: EmployeeNumber.nullable().default(null),
    givenName: GivenName,
    familyName: FamilyName,
    email: Email.nullable().default(null),
    phone: Phone.nullable().default(null),
    jobTitle: JobTitle.nullable().default(null),
    homeBranchId: BranchId.nullable().default(null).meta({ description: 'Assigned, and made the home branch.' }),
  })
  .meta({
    id: 'Registration',
    // Nobody of the made-up users has it: what the page sends when tried out succeeds.
    examples: [
      {
        username: 'new.colleague',
        givenName: 'Zoë',
        familyName: 'Newman',
        email: 'new.colleague@example.com',
        jobTitle: 'Trainee',
        homeBranchId: 'B001',
      },
    ],
  })

export type Deps = HandlerDeps & { tagBase: TagBase }

const USERNAME_FAULT = fault(
  'body',
  '/username',
  'must be 3 to 64 lower-case letters, digits, dots, underscores or hyphens',
)

export function registerUserRoute(app: FastifyInstance, deps: Deps): void {
  const handle = registerUser(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'POST',
    url: '/users',
    config: {
      scope: 'users:write',
      personal: (body: z.infer<typeof Registration>) => personalFieldsSet(body, null),
    },
    schema: {
      tags: ['commands'],
      operationId: 'registerUser',
      summary: 'Register a user',
      description: 'Makes an active user with no roles.',
      headers: z.looseObject(IdempotencyKey),
      body: Registration,
      response: {
        ...writeAnswers(WrittenUser, 201),
        ...problems(USERNAME_FAULT, TRUER.taken, 413, 415, TRUER.keyReused, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { homeBranchId, ...details } = request.body
      const once = onceAKey(request, ({ userId, version }) => {
        const tag = userEtag(deps.tagBase, request.seesPersonal, version)
        return writeAnswer(tag, true, { userId, version }, `/v1/users/${userId}`)
      })
      const { idempotency } = once
      const answer = once.answer(await handle({ details, homeBranchId, by: request.actor, idempotency }))
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}
