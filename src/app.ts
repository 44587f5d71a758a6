import { isUtf8 } from 'node:buffer'
import Fastify, { errorCodes, type FastifyBodyParser, type FastifyInstance, type FastifySchemaCompiler } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-zod-openapi'
import type { z } from 'zod'
import { type CommandDeps, registerCommands } from './commands/index.ts'
import { registerActor } from './plugins/actor.ts'
import { answerClientError } from './plugins/client-errors.ts'
import { registerDocs } from './plugins/docs.ts'
import { answerRouterError, registerErrors } from './plugins/errors.ts'
import { type HealthDeps, registerHealth } from './plugins/health.ts'
import { collectMethods } from './plugins/methods.ts'
import { logsReads, type RequestLog, registerRequestId, requestIdFor, requestIdOf } from './plugins/request-id.ts'
import { serverWith } from './plugins/server.ts'
import { type HotReadDeps, hotReads, type QueryDeps, registerQueries } from './queries/index.ts'

export type HttpLimits = {
  bodyLimitBytes: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  maxConnections: number
}
export type AppDeps = {
  commands: CommandDeps
  queries: QueryDeps
  health: HealthDeps
  /** Null: every request goes through the router. */
  hot: Omit<HotReadDeps, 'requestId'> | null
  http: HttpLimits
  log: RequestLog
}

/** A parameter longer than any pattern allows still gets a 400 that names it, up to here; beyond, it is 414. */
const MAX_PARAM_LENGTH = 1_000
const MAX_REQUESTS_PER_SOCKET = 0
const HEADERS_TIMEOUT_MS = 5_000
/** How often Node looks whether a request is overdue; its own 30 s would let slow clients sit for that much longer. */
const TIMEOUTS_CHECK_MS = 500
const CLOSING_SWEEP_MS = 50
const MAX_HEADER_BYTES = 16_384

/** The HTTP application, not yet listening: `inject` tests it, main.ts serves it. */
export async function buildApp({ commands, queries, health, hot, http, log }: AppDeps): Promise<FastifyInstance> {
  // Reads that are to be logged are the router's, and so is what comes during the shutdown: it closes connections.
  const shortcut = hot && !logsReads(log) ? hotReads({ ...hot, requestId: requestIdFor }) : null
  let closing = false
  const app = Fastify({
    ...(shortcut ? { serverFactory: serverWith((request, response) => !closing && shortcut(request, response)) } : {}),
    // Given a logger, Fastify makes one more of each request and watches each response: a tenth of a hot read's cost.
    logger: false,
    genReqId: requestIdOf,
    frameworkErrors: answerRouterError,
    clientErrorHandler: answerClientError,
    bodyLimit: http.bodyLimitBytes,
    requestTimeout: http.requestTimeoutMs,
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionTimeout: 0,
    maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
    forceCloseConnections: 'idle',
    // What still comes over a connection that is busy is served, and the connection closed; /health/ready says why.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false, caseSensitive: true },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    trustProxy: false,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, http.requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
    },
  })
  app.server.maxConnections = http.maxConnections
  app.addHook('preClose', async () => {
    closing = true
  })
  closeWhatEndsWhileClosing(app)
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(serializerCompiler)
  takeJsonOnly(app)
  registerRequestId(app, log)
  registerActor(app)
  registerErrors(app, log)
  const registerOtherMethods = collectMethods(app)
  await registerDocs(app)
  await app.register(
    async (v1) => {
      registerQueries(v1, queries)
      registerCommands(v1, commands)
    },
    { prefix: '/v1' },
  )
  registerHealth(app, health)
  app.after(registerOtherMethods)
  await app.ready()
  return app
}

/** What was busy when the shutdown began becomes idle later; kept alive, it would hold the shutdown up until its timeout. */
function closeWhatEndsWhileClosing(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    if (!app.server.listening) return
    const sweep = setInterval(() => app.server.closeIdleConnections(), CLOSING_SWEEP_MS)
    app.server.once('close', () => clearInterval(sweep))
  })
}

/**
 * JSON and nothing else; a merge patch (RFC 7396) is JSON too, and is taken where there is something to patch. JSON is
 * UTF-8 (RFC 8259 section 8.1): other bytes are refused, because decoding them leniently would store U+FFFD for a name.
 */
function takeJsonOnly(app: FastifyInstance): void {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  const parseText = app.getDefaultJsonParser('error', 'error')
  const parseJson: FastifyBodyParser<Buffer> = (request, body, done) =>
    isUtf8(body)
      ? parseText(request, body.toString(), (error, value) => done(error, value === null ? JSON_NULL : value))
      : done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, parseJson)
  app.addContentTypeParser<Buffer>('application/merge-patch+json', { parseAs: 'buffer' }, (request, body, done) =>
    request.method === 'PATCH' ? parseJson(request, body, done) : done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()),
  )
}

/** A body that says null, which is not the same as none: Fastify shows validators null for both. */
const JSON_NULL = Symbol('null')

/**
 * Of the headers that reads take only Min-Version has a form; If-None-Match is any text, and described for the document.
 * Checking copies all headers, so that it is done only where there is something to check.
 */
const compileValidator: FastifySchemaCompiler<z.ZodType> = (route) => {
  const validate = validatorCompiler(route)
  if (route.httpPart === 'headers' && route.method === 'GET') {
    return (headers) => !('min-version' in headers) || validate(headers)
  }
  if (route.httpPart !== 'body') return validate
  return (body) => validate(body === JSON_NULL ? null : (body ?? undefined))
}
