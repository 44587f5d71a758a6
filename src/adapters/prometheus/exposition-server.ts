import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from '../../ports.ts'

const PATH = '/metrics'
/** For the probe of a worker, which has no other port. As the API's: of the process alone, and of nothing that it needs. */
const LIVE = '/health/live'
const METHODS = ['GET', 'HEAD']
const MAX_HEADER_BYTES = 8_192
const TIMEOUTS_CHECK_MS = 500
const LIMITS = {
  /** Several Prometheus servers, and a few people with questions. More are closed at once. */
  connections: 16,
  /** In which a request must have come. */
  requestMs: 5_000,
  /** A connection that nothing is sent on, or whose answer nobody takes. */
  stalledMs: 10_000,
  /** Longer than between two scrapes as they are usually set, so that a connection serves for many. */
  keepAliveMs: 75_000,
}

type Deps = { registry: { metrics(): Promise<string>; contentType: string }; log: Log; limits?: Partial<typeof LIMITS> }
type Address = { host: string; port: number }
type Answer = { status: number; headers: Record<string, string>; body: string }

/** Serves the metrics on a port of their own, apart from the API's connections, limits and callers. */
export function expositionServer({ registry, log, limits }: Deps) {
  const { connections, requestMs, stalledMs, keepAliveMs } = { ...LIMITS, ...limits }
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
      keepAliveTimeout: keepAliveMs,
    },
    async (request, response) => send(response, await answer(request)),
  )
  server.maxConnections = connections
  server.setTimeout(stalledMs)

  async function answer({ url, method }: IncomingMessage): Promise<Answer> {
    const path = url?.split('?', 1)[0]
    if (path !== PATH && path !== LIVE) return plain(404, `Metrics are at ${PATH}.\n`)
    if (!METHODS.includes(method ?? '')) {
      // Closed, so that the request's body is not waited for.
      return plain(405, 'Metrics are read.\n', { allow: METHODS.join(', '), connection: 'close' })
    }
    if (path === LIVE) return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"alive":true}' }
    try {
      return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() }
    } catch (error) {
      log.warn({ err: error }, 'metrics could not be collected')
      return plain(500, 'Metrics could not be collected.\n')
    }
  }

  return {
    /** Answers the URL. Rejects when it cannot listen there. */
    async listen({ host, port }: Address): Promise<string> {
      server.listen({ host, port })
      await once(server, 'listening')
      // Of connections that could not be accepted; unheard, it would end the process.
      server.on('error', (error) => log.warn({ err: error }, 'the server of the metrics'))
      const bound = server.address() as AddressInfo
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}${PATH}`
    },
    /** At once: a scrape that is cut off is one that fails, which the next one does anyhow. */
    async close(): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function plain(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
