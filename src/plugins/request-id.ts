import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

const SANE = /^[A-Za-z0-9._-]{1,64}$/

/** The caller's X-Request-Id when it is sane (it goes into logs and the audit), else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID()
}

/** Answers and logs the id: commands and failures at `info`, the very many reads at `debug`. No query: it may hold names. */
export function registerRequestId(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  const logsReads = ['debug', 'trace'].includes(app.log.level)
  app.addHook('onResponse', (request, reply, done) => {
    const important = request.method !== 'GET' || reply.statusCode >= 500
    if (important || logsReads) {
      const fields = {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      }
      request.log[important ? 'info' : 'debug'](fields, 'answered')
    }
    done()
  })
}
