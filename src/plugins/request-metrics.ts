import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import type { Answered, CommandObserver, RequestObserver, ServedRoute } from '../ports/metrics.ts'
import { loadOf } from '../ports/rate-limits.ts'
import { Refusal } from '../wire/problem.ts'

export type AppObserver = RequestObserver & CommandObserver

/** The pages of the documentation, and what is the legacy application's, are one route, as what is nobody's. */
const OURS = /^\/(?:v1|health)\//
/** Each GET has its HEAD, which does the same: half of all series would be those. */
const countedAs = (method: string): string => (method === 'HEAD' ? 'GET' : method)

/** Before the routes are made: what is made later than `seal` is called is no route of ours, but a way to refuse. */
export function countRequests(app: FastifyInstance, { serving }: RequestObserver): { seal(): void } {
  const routes: ServedRoute[] = []
  let isSealed = false
  app.addHook('onRoute', ({ method, url }) => {
    if (!isSealed && OURS.test(url))
      routes.push(...[method].flat().map((one) => ({ method: countedAs(one), route: url })))
  })
  let observer: ReturnType<RequestObserver['serving']> | null = null
  app.addHook('onReady', async () => {
    observer = serving(routes)
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (observer !== null) {
      const { began, ended } = observer
      const begunAtMs = performance.now()
      let isSent = false
      began()
      reply.raw.once('finish', () => {
        isSent = true
      })
      // Not `onResponse`, which does not come when the caller has gone.
      reply.raw.once('close', () => {
        const how = isSent ? classOf(reply.raw.statusCode) : 'aborted'
        const by = { method: countedAs(request.method), route: request.routeOptions.url ?? '' }
        ended(by, how, performance.now() - begunAtMs)
      })
    }
    done()
  })
  return {
    seal() {
      isSealed = true
    },
  }
}

/** Of what changes something: how it ended. */
export function countCommands(app: FastifyInstance, { ended }: CommandObserver): void {
  app.addHook('onError', async (request, _reply, error) => {
    if (isCommand(request)) ended(outcomeOf(error))
  })
  app.addHook('onResponse', async (request, reply) => {
    if (isCommand(request) && reply.statusCode < 300) ended('done')
  })
}

function isCommand({ method, routeOptions: { url } }: FastifyRequest): boolean {
  return url?.startsWith('/v1/') === true && loadOf(method) === 'write'
}

function outcomeOf(error: Error & { validation?: unknown; statusCode?: number }): string {
  if (error instanceof DomainError) return error.code
  const isTheirs = error instanceof Refusal || error.validation !== undefined || (error.statusCode ?? 500) < 500
  return isTheirs ? 'invalid' : 'failed'
}

function classOf(status: number): Answered {
  if (status >= 500) return '5xx'
  if (status >= 400) return '4xx'
  return status >= 300 ? '3xx' : '2xx'
}
