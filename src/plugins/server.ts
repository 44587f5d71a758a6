import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { FastifyServerFactory } from 'fastify'
import type { Tracing } from '../ports/tracing.ts'

/** Answers, at once or later, or calls `next`, once, and has done nothing: then the router does. */
export type Shortcut = (request: IncomingMessage, response: ServerResponse, next: () => void) => void
/** What Fastify has made of its options; it leaves it to a factory to apply them. */
type Timeouts = { http: ServerOptions; keepAliveTimeout: number; requestTimeout: number; connectionTimeout: number }

/** Where an agent is: `shortcut` for what it sees, `oneIn` of all that do not come as far as the router. */
export type Traced = { shortcut: Shortcut; oneIn: number; request: Tracing['request'] }

/** A server that asks `shortcut` before the router. In all else it is the one that Fastify would have made. */
export function serverWith(shortcut: Shortcut, traced: Traced | null = null): FastifyServerFactory {
  return (router, options) => {
    const { http, keepAliveTimeout, requestTimeout, connectionTimeout } = options as Timeouts
    const route = router as RequestListener
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      shortcut(request, response, () => route(request, response))
    const server = traced === null ? createServer(http, answer) : tracedServer(http, { shortcut, traced, route })
    server.keepAliveTimeout = keepAliveTimeout
    server.requestTimeout = requestTimeout
    server.setTimeout(connectionTimeout)
    return server
  }
}

type Answering = { shortcut: Shortcut; traced: Traced; route: RequestListener }

/**
 * An agent stands around `emit` of every server, and what it does for a request costs more than the whole hot read. So most of
 * what the shortcut answers is answered before that; what it passes on, and one in so many of all, goes by way of the agent.
 */
function tracedServer(options: ServerOptions, { shortcut, traced, route }: Answering): Server {
  let isPassedOn = false
  let requests = 0
  const server = createServer(options, (request, response) => {
    const routed = () => route(request, response)
    const work = isPassedOn ? routed : () => traced.shortcut(request, response, routed)
    traced.request(request, response, work)
  })
  const emit = (...event: unknown[]): boolean => Reflect.apply(Server.prototype.emit, server, event)
  server.emit = (event: string, ...rest: unknown[]): boolean => {
    if (event !== 'request') return emit(event, ...rest)
    requests += 1
    if (requests % traced.oneIn === 0) return emit(event, ...rest)
    const [request, response] = rest as [IncomingMessage, ServerResponse]
    shortcut(request, response, () => {
      // The listener is called before `emit` returns.
      isPassedOn = true
      try {
        emit('request', request, response)
      } finally {
        isPassedOn = false
      }
    })
    return true
  }
  return server
}
