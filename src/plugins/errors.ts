import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RequestValidationError } from 'fastify-zod-openapi'
import { DomainError, type ErrorCode } from '../domain/errors.ts'
import type { Log } from '../ports.ts'
import { PROBLEM_JSON, type Problem, pointerTo, Refusal } from '../wire/problem.ts'
import { whoWas } from './actor.ts'
import { SERVER_REFUSALS } from './server-refusals.ts'

/** A code without a status does not compile. */
const STATUS = {
  'user-not-found': 404,
  'role-not-found': 404,
  'neighbour-not-found': 404,
  'route-not-found': 404,
  'mode-not-allowed': 422,
  'user-terminated': 409,
  'username-taken': 409,
  'branch-not-assigned': 409,
  'branch-is-home': 409,
  'branch-has-grants': 409,
  'too-many': 409,
  'role-in-use': 409,
  'limit-unknown': 404,
  'limit-out-of-range': 422,
  'permission-twice': 422,
  'ids-stand-alone': 422,
  'invalid-cursor': 400,
  'version-conflict': 412,
  'version-unknown': 412,
  'idempotency-key-reused': 422,
  'idempotency-key-in-use': 409,
  'token-missing': 401,
  'token-invalid': 401,
  'issuer-unavailable': 503,
  'missing-scope': 403,
  'not-your-branch': 403,
  'not-yourself': 403,
  'role-not-yours': 403,
  'too-many-requests': 429,
  overloaded: 503,
  'search-unavailable': 503,
  'not-storable': 422,
  'database-unavailable': 503,
  'outcome-unknown': 503,
  busy: 503,
} as const satisfies Record<ErrorCode, number>

const RETRY_AFTER_S = 1

/** What Fastify itself refuses, by its code: https://fastify.dev/docs/latest/Reference/Errors/ */
const FASTIFY_CODES: Record<string, { status: number; code: string; detail: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'unsupported-media-type',
    detail: 'The body’s media type is not taken here.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'body-too-large', detail: 'The body is too large.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'malformed-json', detail: 'The body is not JSON.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'invalid-request',
    detail: 'Content-Length does not fit the body.',
  },
  FST_ERR_BAD_URL: { status: 400, code: 'invalid-request', detail: 'The path is not a valid URL path.' },
  FST_STATIC_FORBIDDEN_PATH: { status: 404, code: 'not-found', detail: 'There is nothing at this path.' },
  FST_ERR_ASYNC_CONSTRAINT: { status: 404, code: 'not-found', detail: 'There is nothing here.' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, code: 'uri-too-long', detail: 'A part of the path is too long.' },
}

/** Every code that a request can be answered with, and its status: for the document. */
export function problemCodes(): [code: string, status: number][] {
  const elsewhere = { 'not-found': 404, 'method-not-allowed': 405, 'internal-error': 500 }
  const refused = [...Object.values(FASTIFY_CODES), ...SERVER_REFUSALS].map(({ code, status }): [string, number] => [
    code,
    status,
  ])
  const all = new Map([...Object.entries(STATUS), ...refused, ...Object.entries(elsewhere)])
  return [...all].sort(([a, aStatus], [b, bStatus]) => aStatus - bStatus || (a < b ? -1 : 1))
}

/** Every error leaves as a problem document (RFC 9457) with a stable code; what was not foreseen says nothing of itself. */
export function registerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof DomainError) {
      const status = STATUS[error.code]
      // Whoever has too much to do says so once (plugins/overload.ts).
      if (status >= 500 && error.code !== 'overloaded')
        log.warn({ requestId: request.id, code: error.code }, 'not answered')
      if (status === 401 || status === 403) log.info({ ...whoWas(request), code: error.code }, 'refused')
      return sendDomainError(error, request, reply)
    }
    if (error instanceof Refusal)
      return sendProblem(request, reply, error.status, error.code, error.message, error.errors)
    if (error.validation)
      return sendProblem(request, reply, 400, 'invalid-request', 'The request is at fault; see errors.', faults(error))
    const known = FASTIFY_CODES[error.code]
    if (known) return sendProblem(request, reply, known.status, known.code, known.detail)
    // secure-json-parse and JSON.parse throw SyntaxError with this status.
    if (error.statusCode === 400)
      return sendProblem(request, reply, 400, 'malformed-json', 'The body is not JSON that is taken here.')
    const err = { type: error.name, code: error.code, stack: error.stack }
    log.error({ requestId: request.id, err }, 'request failed')
    return sendProblem(
      request,
      reply,
      500,
      'internal-error',
      'Something went wrong here; the request id helps to find it.',
    )
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, 404, 'not-found', 'There is nothing at this path.'),
  )
}

/** What becomes of an error that a handler rejects with. */
export function statusOf(error: unknown): number {
  if (error instanceof DomainError) return STATUS[error.code]
  return error instanceof Refusal ? error.status : 500
}

/** What the router refuses before any hook has run. Its own message would repeat the path, which may hold a username. */
export function answerRouterError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const known = FASTIFY_CODES[error.code] ?? { status: 400, code: 'invalid-request', detail: 'The path is not taken.' }
  reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff')
  sendProblem(request, reply, known.status, known.code, known.detail)
}

function sendDomainError(error: DomainError, request: FastifyRequest, reply: FastifyReply) {
  const status = STATUS[error.code]
  if (status === 503 || error.code === 'idempotency-key-in-use') reply.header('retry-after', String(RETRY_AFTER_S))
  const pointer =
    error.field === undefined
      ? undefined
      : [{ in: placeOf(request, error.field), pointer: error.field, detail: error.message }]
  return sendProblem(request, reply, status, error.code, error.message, pointer)
}

function placeOf(request: FastifyRequest, pointer: string): 'body' | 'path' | 'query' {
  const name = pointer.split('/')[1] ?? ''
  const has = (part: unknown) => typeof part === 'object' && part !== null && Object.hasOwn(part, name)
  if (has(request.body)) return 'body'
  return has(request.params) ? 'path' : 'query'
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: string,
  detail: string,
  errors?: Problem['errors'],
) {
  const problem: Problem = {
    type: `urn:users-service:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    requestId: request.id,
    ...(errors ? { errors } : {}),
  }
  // A string, not an object: the route's response schema has nothing to say about a problem.
  return reply.code(status).type(PROBLEM_JSON).send(JSON.stringify(problem))
}

const PLACES: Record<string, 'body' | 'query' | 'path' | 'header'> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
}
const MAX_FAULTS = 20

function faults(error: FastifyError): NonNullable<Problem['errors']> {
  const place = PLACES[error.validationContext ?? ''] ?? 'body'
  return (error.validation ?? []).slice(0, MAX_FAULTS).flatMap((entry) => {
    if (!(entry instanceof RequestValidationError)) return [{ in: place, pointer: '', detail: 'is not valid' }]
    const issue = entry.params.issue
    const at = pointerTo(issue.path)
    if (place === 'body' && at === '' && issue.input === undefined && issue.code === 'invalid_type')
      return [{ in: place, pointer: '', detail: 'a body is required' }]
    if (issue.code === 'unrecognized_keys') {
      return issue.keys
        .slice(0, MAX_FAULTS)
        .map((key) => ({ in: place, pointer: `${at}${pointerTo([key])}`, detail: 'is not known here' }))
    }
    return [{ in: place, pointer: at, detail: issue.message }]
  })
}
