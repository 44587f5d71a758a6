import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../ports.ts'
import type { Problem } from '../wire/problem.ts'
import { sendProblem } from './errors.ts'

export type RequestLog = Log & { level: string }

const SANE = /^[A-Za-z0-9._-]{1,64}$/

/** The caller's X-Request-Id when it is sane (it goes into logs and the audit), else a new one. */
export function requestIdFor(given: string | undefined): string {
  return given !== undefined && SANE.test(given) ? given : newRequestId()
}

export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return requestIdFor(typeof given === 'string' ? given : undefined)
}

// A UUID of version 8 (RFC 9562 section 5.8): random once a process, then counted. A wholly random one costs a hot read
// more than all that it does itself. Nobody may take it for a secret.
const [RANDOM, COUNTED_DIGITS] = [randomUUID(), 12]
const OF_THIS_PROCESS = `${RANDOM.slice(0, 14)}8${RANDOM.slice(15, 24)}`
let counted = 0

function newRequestId(): string {
  counted += 1
  return OF_THIS_PROCESS + counted.toString(16).padStart(COUNTED_DIGITS, '0')
}

/** RFC 9112 section 3.2: a request of HTTP/1.1 without Host is refused. */
const NO_HOST: Problem['errors'] = [{ in: 'header', pointer: '/host', detail: 'is required' }]

/** Answers the id, and logs it: commands at `info`, the very many reads at `debug`. No query: it may hold names. */
export function registerRequestId(app: FastifyInstance, log: RequestLog): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff')
    const { headers, httpVersionMinor } = request.raw
    if (headers.host === undefined && httpVersionMinor > 0) {
      reply.header('connection', 'close')
      sendProblem(request, reply, 400, 'invalid-request', 'The header Host is missing.', NO_HOST)
      return
    }
    done()
  })
  const readsToo = logsReads(log)
  // A hook a route, not one of all: a read that is not logged then has no listener on its response.
  app.addHook('onRoute', (route) => {
    const isRead = route.method === 'GET' || route.method === 'HEAD'
    if (!isRead || readsToo) route.onResponse = answered(log, isRead ? 'debug' : 'info')
  })
}

export function logsReads({ level }: Pick<RequestLog, 'level'>): boolean {
  return level === 'debug' || level === 'trace'
}

function answered(log: Log, level: 'debug' | 'info') {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const { method, id: requestId } = request
    const ms = Math.round(reply.elapsedTime * 10) / 10
    log[level]({ requestId, method, route: request.routeOptions.url, status: reply.statusCode, ms }, 'answered')
    done()
  }
}
