import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Mode } from '../domain/strangler.ts'
import type { HotObserver } from '../ports/metrics.ts'
import { faultOf, type TracedFault, type Tracing } from '../ports/tracing.ts'
import { Refusal } from '../wire/problem.ts'

export type { Tracing }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of an endpoint of the legacy application: its id. */
    legacyRoute?: string
  }
  interface FastifyReply {
    /** What is missing from the answer, or old; undefined: nothing can be. */
    degradedParts?: readonly string[]
  }
}

/** What no route has been found for yet, or ever is: paths stand in no name. */
export const UNROUTED = 'unrouted'
/** Answered before the router (queries/get-user/hot.ts), and named as the route that would have answered. */
const HOT = 'GET /v1/users/:userId'
const FIRST_FAILURE = 500

/** `modeOf`: in which mode a route of the legacy application is. `hasLegacy`: there is one, which answers all that is nobody's. */
type Deps = { tracing: Tracing; modeOf(routeId: string): Mode; hasLegacy: boolean }

/** Tells of each request what it is, by its route, and how it was answered. Before all other hooks: they may refuse it. */
export function traceRequests(app: FastifyInstance, { tracing, modeOf, hasLegacy }: Deps): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { legacyRoute } = request.routeOptions.config
    tracing.name(nameOf(request, hasLegacy))
    if (legacyRoute !== undefined) {
      // Until somebody else says so (strangler/taking-over.ts).
      tracing.attributes({ stranglerMode: modeOf(legacyRoute).mode, answeredBy: 'legacy' })
    }
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    const from = reply.getHeader('read-from')
    if (typeof from === 'string') {
      tracing.attributes({ readFrom: from, ...(reply.hasHeader('read-stale') ? { stale: true } : {}) })
    }
    const by = reply.getHeader('answered-by')
    if (typeof by === 'string') tracing.attributes({ answeredBy: by })
    const { degradedParts } = reply
    if (degradedParts !== undefined) tracing.attributes({ degraded: [...new Set(degradedParts)].join(',') || 'no' })
    done(null, payload)
  })
  app.addHook('onError', (_request, _reply, error, done) => {
    tracing.fault(faultOfRequest(error))
    done()
  })
}

/** Of the one hot read in so many that is told of. */
export function tracedHot(observer: HotObserver, tracing: Tracing): HotObserver {
  return {
    begun: observer.begun,
    answered(from, withBody, begunAtMs) {
      tracing.name(HOT)
      tracing.attributes({ readFrom: from, hotOneIn: tracing.hotOneIn })
      observer.answered(from, withBody, begunAtMs)
    },
  }
}

function nameOf({ method, is404, routeOptions: { url, config } }: FastifyRequest, hasLegacy: boolean): string {
  if (config.legacyRoute !== undefined) return `legacy ${config.legacyRoute}`
  if (is404 || url === undefined) return hasLegacy ? 'legacy application' : 'not found'
  return `${method} ${url}`
}

function faultOfRequest(error: Error & { validation?: unknown; statusCode?: number }): TracedFault {
  if (error instanceof Refusal) return { error, code: error.code, expected: true }
  if (error.validation !== undefined) return { error, code: 'invalid-request', expected: true }
  const fault = faultOf(error)
  return { ...fault, expected: fault.expected || (error.statusCode ?? FIRST_FAILURE) < FIRST_FAILURE }
}
