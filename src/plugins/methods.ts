import { METHODS } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { sendProblem } from './errors.ts'

/** Every method that Node parses; CONNECT never reaches a route. */
const ALL = METHODS.filter((method) => method !== 'CONNECT') as HTTPMethods[]

/**
 * One of our paths, asked with another method, is 405 with Allow (RFC 9110 section 15.5.6), not 404. Call before the
 * routes are made; what it returns, after.
 */
export function collectMethods(app: FastifyInstance): () => void {
  for (const method of ALL) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  const known = new Map<string, Set<string>>()
  app.addHook('onRoute', (route) => {
    const { url, method } = route
    if (method === 'HEAD') route.onSend = [...[route.onSend ?? []].flat(), withoutLength]
    if (!url.startsWith('/v1/') && !url.startsWith('/health/')) return
    const methods = known.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    known.set(url, methods)
  })
  return () => {
    for (const [url, methods] of [...known]) {
      const allow = [...methods].sort().join(', ')
      const others = ALL.filter((method) => !methods.has(method))
      if (others.length === 0) continue
      app.route({
        method: others,
        url,
        schema: { hide: true },
        config: { scope: null },
        // Before the body is read: what is not wanted is not parsed either.
        onRequest: async (request, reply) => {
          reply.header('allow', allow)
          return sendProblem(request, reply, 405, 'method-not-allowed', `This path takes ${allow}.`)
        },
        handler: async () => undefined,
      })
    }
  }
}

/** Fastify gives every HEAD without a body a length of 0; a 304 has none, or that of the 200 (RFC 9110 section 8.6). */
function withoutLength(
  _request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
): void {
  if (reply.statusCode === 304) reply.removeHeader('content-length')
  done(null, payload)
}
