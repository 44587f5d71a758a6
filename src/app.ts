import Fastify, {
  errorCodes,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifySchemaCompiler,
  LogController,
} from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-zod-openapi'
import type { z } from 'zod'
import { type CommandDeps, registerCommands } from './commands/index.ts'
import { registerActor } from './plugins/actor.ts'
import { registerDocs } from './plugins/docs.ts'
import { registerErrors } from './plugins/errors.ts'
import { type HealthDeps, registerHealth } from './plugins/health.ts'
import { collectMethods } from './plugins/methods.ts'
import { registerRequestId, requestIdOf } from './plugins/request-id.ts'
import { type QueryDeps, registerQueries } from './queries/index.ts'

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
  http: HttpLimits
  log: FastifyBaseLogger
}

/** A parameter longer than any pattern allows still gets a 400 that names it, up to here; beyond, the path is unknown. */
const MAX_PARAM_LENGTH = 1_000
const MAX_REQUESTS_PER_SOCKET = 0
const HEADERS_TIMEOUT_MS = 5_000
const MAX_HEADER_BYTES = 16_384

/** The HTTP application, not yet listening: `inject` tests it, main.ts serves it. */
export async function buildApp({ commands, queries, health, http, log }: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    bodyLimit: http.bodyLimitBytes,
    requestTimeout: http.requestTimeoutMs,
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionTimeout: 0,
    maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false, caseSensitive: true },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    trustProxy: false,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
  })
  app.server.maxConnections = http.maxConnections
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(serializerCompiler)
  takeJsonOnly(app)
  registerRequestId(app)
  registerActor(app)
  registerErrors(app)
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

/** JSON and nothing else; a merge patch (RFC 7396) is JSON too, and is taken where there is something to patch. */
function takeJsonOnly(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain')
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/merge-patch+json', { parseAs: 'string' }, (request, body, done) =>
    request.method === 'PATCH' ? parseJson(request, body, done) : done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()),
  )
}

/**
 * The headers that reads take (If-None-Match) are any text, and described only for the document: checking them would
 * copy all headers of every hot read.
 */
const compileValidator: FastifySchemaCompiler<z.ZodType> = (route) =>
  route.httpPart === 'headers' && route.method === 'GET' ? () => true : validatorCompiler(route)
