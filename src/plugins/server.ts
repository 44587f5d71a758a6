import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { FastifyServerFactory } from 'fastify'

/** Answers, at once or later, or calls `next`, once, and has done nothing: then the router does. */
export type Shortcut = (request: IncomingMessage, response: ServerResponse, next: () => void) => void
/** What Fastify has made of its options; it leaves it to a factory to apply them. */
type Timeouts = { http: ServerOptions; keepAliveTimeout: number; requestTimeout: number; connectionTimeout: number }

/** A server that asks `shortcut` before the router. In all else it is the one that Fastify would have made. */
export function serverWith(shortcut: Shortcut): FastifyServerFactory {
  return (router, options) => {
    const { http, keepAliveTimeout, requestTimeout, connectionTimeout } = options as Timeouts
    const route = router as RequestListener
    const server = createServer(http, (request, response) => {
      shortcut(request, response, () => route(request, response))
    })
    server.keepAliveTimeout = keepAliveTimeout
    server.requestTimeout = requestTimeout
    server.setTimeout(connectionTimeout)
    return server
  }
}
