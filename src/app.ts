import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyHttpOptions, type FastifyInstance, type RawServerDefault } from 'fastify'
import { createSerializerCompiler } from 'fastify-zod-openapi'
import { type CommandDeps, registerCommands } from './commands/index.ts'
import { registerActor } from './plugins/actor.ts'
import { type AccessDeps, registerAuthentication } from './plugins/authentication.ts'
import { answerClientError, answerExpectations } from './plugins/client-errors.ts'
import { registerDocs } from './plugins/docs.ts'
import { drainWhileClosing } from './plugins/draining.ts'
import { answerRouterError, registerErrors, statusOf } from './plugins/errors.ts'
import { type HealthDeps, registerHealth } from './plugins/health.ts'
import { collectMethods } from './plugins/methods.ts'
import { allowOrigins } from './plugins/origins.ts'
import { countRefusals, type OverloadLimits, type RefusalObserver, registerOverload } from './plugins/overload.ts'
import { takeJsonOnly } from './plugins/request-bodies.ts'
import { logsReads, type RequestLog, registerRequestId, requestIdFor, requestIdOf } from './plugins/request-id.ts'
import { requestLimits } from './plugins/request-limits.ts'
import { type AppObserver, countCommands, countRequests } from './plugins/request-metrics.ts'
import { type Shortcut, serverWith, type Traced } from './plugins/server.ts'
import { refuseSlowBodies } from './plugins/slow-bodies.ts'
import { type Tracing, tracedHot, traceRequests, UNROUTED } from './plugins/tracing.ts'
import { compileValidator, refuseUndeclaredQueries } from './plugins/validation.ts'
import { type HotReadDeps, hotReads, type QueryDeps, registerQueries } from './queries/index.ts'
import { beforeTheRouter, registerStrangler, type StranglerDeps } from './strangler/plugin.ts'

export type HttpLimits = {
  bodyLimitBytes: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  maxConnections: number
  /** How long it still listens once it is told to stop. */
  drainMs: number
  /** Whose pages browsers may let ask. */
  corsOrigins: readonly string[]
  overload: OverloadLimits
}
export type AppDeps = {
  commands: CommandDeps
  queries: QueryDeps
  health: HealthDeps
  /** Null: every request goes through the router. */
  hot: Omit<HotReadDeps, 'requestId'> | null
  strangler: StranglerDeps
  access: AccessDeps
  refusals: RefusalObserver
  counts: AppObserver
  /** Null, or absent: nobody is told of single requests. */
  tracing?: Tracing | null
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
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { commands, queries, health, strangler, access, refusals, tracing, http, log } = deps
  const front = beforeTheRouter(strangler)
  let closing = false
  let isOverloaded = () => false
  const before: Before = {
    isOthers: front.isOthers,
    isForRouter: (request) => closing || front.mustWait(request),
    isOverloaded: () => isOverloaded(),
  }
  const app = Fastify({
    serverFactory: serverWith(beforeRouting(deps, before), tracedRouting(deps, before)),
    ...optionsOf(deps, front),
  })
  app.server.maxConnections = http.maxConnections
  answerExpectations(app.server, { ...http, isOthers: front.isOthers })
  front.watch(app.server)
  app.addHook('preClose', async () => {
    closing = true
  })
  if (tracing) {
    const modeOf = (routeId: string) => strangler.modes.of(routeId).mode
    traceRequests(app, { tracing, modeOf, hasLegacy: strangler.legacy !== null })
  }
  front.takeTurns(app)
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(createSerializerCompiler({ stringify: JSON.stringify }))
  takeJsonOnly(app, refusals)
  if (strangler.legacy !== null) refuseSlowBodies(app, http.requestTimeoutMs)
  refuseUndeclaredQueries(app)
  registerRequestId(app, log)
  const served = countRequests(app, deps.counts)
  countCommands(app, deps.counts)
  countRefusals(app, refusals)
  isOverloaded = await registerOverload(app, { limits: http.overload, observer: refusals, log })
  allowOrigins(app, http.corsOrigins)
  registerActor(app)
  registerAuthentication(app, access)
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
  registerStrangler(app, { ...strangler, statusOf })
  // After all others that want to know of the end: these go on while it drains.
  drainWhileClosing(app, http.drainMs)
  app.addHook('preClose', async () => front.endStreams())
  served.seal()
  app.after(registerOtherMethods)
  await app.ready()
  return app
}

type Before = {
  isOthers(request: IncomingMessage): boolean
  /** What comes during the shutdown closes connections, and what comes behind something else waits. */
  isForRouter(request: IncomingMessage): boolean
  isOverloaded(): boolean
}

/** What is done with a request before the router sees it. Reads that are to be logged are the router's. */
function beforeRouting({ hot, log, refusals }: AppDeps, { isOthers, isForRouter, isOverloaded }: Before): Shortcut {
  const isWithinLimits = requestLimits({ isOthers, refused: refusals.refused })
  if (hot === null || logsReads(log)) {
    return (request, response, next) => void (isWithinLimits(request, response) && next())
  }
  const shortcut = hotReads({ ...hot, views: ofMemoryWhile(isOverloaded, hot.views), requestId: requestIdFor })
  return (request, response, next) => {
    if (!isWithinLimits(request, response)) return
    if (isForRouter(request)) next()
    else shortcut(request, response, next)
  }
}

/** Where an agent is, what it sees is told by name. */
function tracedRouting(deps: AppDeps, before: Before): Traced | null {
  const { tracing, hot } = deps
  if (!tracing) return null
  const told = hot && { ...hot, observer: tracedHot(hot.observer, tracing) }
  return {
    shortcut: beforeRouting({ ...deps, hot: told }, before),
    oneIn: tracing.hotOneIn,
    request: (request, response, work) =>
      tracing.request(request, response, () => {
        tracing.name(UNROUTED)
        work()
      }),
  }
}

/** What would have to be asked of Redis is the router's, which refuses it. */
function ofMemoryWhile(isOverloaded: () => boolean, { byId }: HotReadDeps['views']): HotReadDeps['views'] {
  return { byId: (userId, leastVersion) => (isOverloaded() ? Promise.reject() : byId(userId, leastVersion)) }
}

function optionsOf({ strangler, http }: AppDeps, front: ReturnType<typeof beforeTheRouter>) {
  return {
    // Given a logger, Fastify makes one more of each request and watches each response: a tenth of a hot read's cost.
    logger: false,
    genReqId: requestIdOf,
    frameworkErrors: (error, request, reply) => {
      if (!front.passOnWhatTheRouterRefuses(request, reply)) answerRouterError(error, request, reply)
    },
    clientErrorHandler: answerClientError,
    bodyLimit: http.bodyLimitBytes,
    requestTimeout: front.requestMs(http.requestTimeoutMs),
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionTimeout: 0,
    maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
    forceCloseConnections: 'idle',
    // What still comes over a connection that is busy is served, and the connection closed; /health/ready says why.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false, caseSensitive: true },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    trustProxy: strangler.trustedProxies.length > 0 ? strangler.trustedProxies : false,
    http: {
      // Refused in plugins/request-id.ts, with a body; Node's own refusal has none.
      requireHostHeader: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, http.requestTimeoutMs),
      connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
      shouldUpgradeCallback: front.shouldUpgrade,
    },
  } satisfies FastifyHttpOptions<RawServerDefault>
}
