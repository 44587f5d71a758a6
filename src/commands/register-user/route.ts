import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import { WrittenUser, writeAnswer, writeAnswers } from '../../wire/answer.ts'
import { etag, type TagBase } from '../../wire/etag.ts'
import { BranchId, Email, EmployeeNumber, FamilyName, GivenName, JobTitle, Phone, Username } from '../../wire/fields.ts'
import { problems } from '../../wire/problem.ts'
import { fault, TRUER } from '../../wire/problem-examples.ts'
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

const Headers = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')
    .optional()
    .meta({ description: 'A repeat with the same key and body gets the first one’s answer and registers nobody.' }),
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
    schema: {
      tags: ['commands'],
      operationId: 'registerUser',
      summary: 'Register a user',
      description: 'Makes an active user with no roles.',
      headers: Headers,
      body: Registration,
      response: {
        ...writeAnswers(WrittenUser, 201),
        ...problems(USERNAME_FAULT, TRUER.taken, 413, 415, TRUER.keyReused, 503),
      },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { homeBranchId, ...details } = request.body
      const key = request.headers['idempotency-key']
      const idempotency = key === undefined ? null : { key, requestHash: hashOf(request.body) }
      const { userId, version, visible } = await handle({ details, homeBranchId, by: request.actor, idempotency })
      const answer = writeAnswer(etag(deps.tagBase, 'u', version), visible, { userId, version }, `/v1/users/${userId}`)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  })
}

/** Of what was understood, not of the bytes: white space and the order of fields make no other request. */
function hashOf(body: z.infer<typeof Registration>): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex')
}
