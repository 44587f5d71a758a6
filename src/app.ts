import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler } from 'fastify-zod-openapi'
import { type CommandDeps, registerCommands } from './commands/index.ts'
import { registerActor } from './plugins/actor.ts'
import { answerClientError, answerExpectations } from './plugins/client-errors.ts'
import { registerDocs } from './plugins/docs.ts'
import { drainWhileClosing } from './plugins/draining.ts'
import { answerRouterError, registerErrors } from './plugins/errors.ts'
import { type HealthDeps, registerHealth } from './plugins/health.ts'
import { collectMethods } from './plugins/methods.ts'
import { takeJsonOnly } from './plugins/request-bodies.ts'
import { logsReads, type RequestLog, registerRequestId, requestIdFor, requestIdOf } from './plugins/request-id.ts'
import { serverWith } from './plugins/server.ts'
import { compileValidator, refuseUndeclaredQueries } from './plugins/validation.ts'
import { type HotReadDeps, hotReads, type QueryDeps, registerQueries } from './queries/index.ts'

export type HttpLimits = {
  bodyLimitBytes: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  maxConnections: number
  /** How long it still listens once it is told to stop. */
  drainMs: number
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
const MAX_HEADER_BYTES = 16_384

/** The HTTP application, not yet listening: `inject` tests it, main.ts serves it. */
export async function buildApp({ commands, queries, health, hot, http, log }: AppDeps): Promise<FastifyInstance> {
  // Reads that are to be logged are the router's, and so is what comes during the shutdown: it closes connections.
  const shortcut = hot && !logsReads(log) ? hotReads({ ...hot, requestId: requestIdFor }) : null
  let closing = false
  const app = Fastify({
    ...(shortcut
      ? {
          serverFactory: serverWith((request, response, next) =>
            closing ? next() : shortcut(request, response, next),
          ),
        }
      : {}),
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
      // Refused in plugins/request-id.ts, with a body; Node's own refusal has none.
      requireHostHeader: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, http.requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
    },
  })
  app.server.maxConnections = http.maxConnections
  answerExpectations(app.server, http.bodyLimitBytes)
  app.addHook('preClose', async () => {
    closing = true
  })
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(serializerCompiler)
  takeJsonOnly(app)
  refuseUndeclaredQueries(app)
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
  // After all others that want to know of the end: these go on while it drains.
  drainWhileClosing(app, http.drainMs)
  app.after(registerOtherMethods)
  await app.ready()
  return app
}
