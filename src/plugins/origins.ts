import type { FastifyInstance } from 'fastify'

/** What a page may ask and send, and what it may see of an answer beside its body. Cookies and the like mean nothing here. */
const METHODS = 'DELETE, GET, HEAD, PATCH, POST, PUT'
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match', 'min-version'],
  ...['x-request-deadline', 'x-request-id'],
].join(', ')
const ANSWER_HEADERS = [
  ...['allow', 'etag', 'location', 'ratelimit', 'ratelimit-policy', 'read-age', 'read-from', 'read-stale'],
  ...['retry-after', 'visibility', 'www-authenticate', 'x-request-id'],
].join(', ')
/** So long a browser may remember what it was allowed; two hours is the most that any does. */
const REMEMBERED_S = '600'

/**
 * Pages of these origins may ask the API from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol); of none, unless
 * somebody names them. Who asks has to show a token all the same. Not @fastify/cors, whose route for OPTIONS on any path
 * would take such requests from the legacy application, and of ours from those that say which methods there are.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  app.addHook('onRequest', (request, reply, done) => {
    const { raw, method, headers } = request
    if (!raw.url?.startsWith('/v1/')) return done()
    reply.header('vary', 'origin')
    const { origin, 'access-control-request-method': wanted } = headers
    if (origin === undefined || !allowed.has(origin)) return done()
    reply.header('access-control-allow-origin', origin)
    if (method !== 'OPTIONS' || wanted === undefined) {
      reply.header('access-control-expose-headers', ANSWER_HEADERS)
      return done()
    }
    // Before anybody asks for a token: browsers send none with this.
    reply.header('access-control-allow-methods', METHODS).header('access-control-allow-headers', REQUEST_HEADERS)
    reply.header('access-control-max-age', REMEMBERED_S).code(204).send()
  })
}
