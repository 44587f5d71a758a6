import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyZodOpenApiSchema, FastifyZodOpenApiTypeProvider } from 'fastify-zod-openapi'
import { z } from 'zod'
import type { Caller } from '../../ports/neighbours.ts'
import { JSON_TYPE, listAnswers } from '../../wire/answer.ts'
import { UserIdParam } from '../../wire/fields.ts'
import { MIN_VERSION } from '../../wire/min-version.ts'
import { problems } from '../../wire/problem.ts'
import { TRUER } from '../../wire/problem-examples.ts'
import { cacheControlOf, IncludeParam, PROFILE_PARTS, ProfileBody } from '../../wire/profile.ts'
import { REQUEST_DEADLINE } from '../../wire/request-deadline.ts'
import type { ReadHead } from '../../wire/source.ts'
import { traceOf } from '../../wire/trace-context.ts'
import { getProfile, type Deps as HandlerDeps } from './handler.ts'

export type Deps = HandlerDeps & { readHead: ReadHead; profileDeadlineMs: number }

export function getProfileRoute(app: FastifyInstance, deps: Deps): void {
  const handle = getProfile(deps)
  app.withTypeProvider<FastifyZodOpenApiTypeProvider>().route({
    method: 'GET',
    url: '/users/:userId/profile',
    config: { scope: 'users:read', load: 'search' },
    schema: {
      tags: ['queries'],
      operationId: 'getProfile',
      summary: 'Get a user with what other services know',
      description:
        'The user as GET /users/{userId} has it; beside it the branches as branches-service has them, and the ' +
        'employment as people-service has it. When one of these is slow or away, the last that was heard of it is ' +
        'shown, or nothing, and `degraded` says so.',
      params: z.object({ userId: UserIdParam }),
      querystring: z.strictObject({ include: IncludeParam.optional() }),
      headers: z.looseObject({ ...MIN_VERSION, ...REQUEST_DEADLINE }),
      response: { ...listAnswers('The profile.', ProfileBody), ...problems(400, 404, TRUER.tooOld, 503) },
    } satisfies FastifyZodOpenApiSchema,
    handler: async (request, reply) => {
      const { params, query, headers } = request
      const asked = {
        userId: params.userId,
        minVersion: headers['min-version']?.user ?? 0,
        seesPersonal: request.seesPersonal,
        // In one order, whatever theirs.
        include: PROFILE_PARTS.filter((part) => query.include?.includes(part) ?? true),
      }
      const waitsMs = Math.min(headers['x-request-deadline'] ?? deps.profileDeadlineMs, deps.profileDeadlineMs)
      const { user, body, parts, degraded } = await handle(asked, callerOf(request, reply, waitsMs))
      reply.degradedParts = degraded.map(({ part }) => part)
      const rest = JSON.stringify({ ...parts, degraded }).slice(1)
      return reply
        .headers({
          'content-type': JSON_TYPE,
          ...deps.readHead(user),
          'cache-control': cacheControlOf(degraded),
        })
        .send(`{"user":${body},${rest}`)
    },
  })
}

function callerOf(request: FastifyRequest, { raw: response }: FastifyReply, waitsMs: number): Caller {
  const left = new AbortController()
  // It closes in any case; before it has been ended, by the client.
  response.once('close', () => {
    if (!response.writableEnded) left.abort()
  })
  return {
    untilMs: performance.now() + waitsMs,
    signal: left.signal,
    requestId: request.id,
    trace: traceOf(request.raw.headers),
  }
}
