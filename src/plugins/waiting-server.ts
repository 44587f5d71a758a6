import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { refuseRequest } from './client-errors.ts'
import type { Check } from './health.ts'
import type { ServerRefusal } from './server-refusals.ts'

/** Probes, and whoever knows this address by heart. More are closed at once. */
const MAX_CONNECTIONS = 64
const REQUEST_MS = 5_000
/** A connection on which nothing is sent, or whose answer nobody takes. */
const STALLED_MS = 10_000
/** How often Node looks for those; its own 30 s would let 64 slow clients keep a probe out. */
const TIMEOUTS_CHECK_MS = 500
const MAX_HEADER_BYTES = 8_192
const RETRY_AFTER_S = 5

const REFUSED: ServerRefusal = {
  status: 503,
  code: 'database-unavailable',
  detail: 'This process has just been started, and waits for its database.',
}

type Address = { host: string; port: number }

/**
 * Stands at the API's address while a process that starts waits for what it cannot do without: it lives, and is not ready, and
 * every other request is refused. `checks`: what /health/ready says of that.
 */
export function waitingServer(checks: () => Record<string, Check>) {
  const server = createServer(
    {
      ...{ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS },
      connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
    },
    (request, response) => answer(request, response, checks),
  )
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(STALLED_MS)
  return {
    /** Answers the URL. Rejects when it cannot listen there. */
    async listen({ host, port }: Address): Promise<string> {
      server.listen({ host, port })
      await once(server, 'listening')
      const bound = server.address() as AddressInfo
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
    },
    /** At once, so that the API can listen there. */
    async close(): Promise<void> {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(request: IncomingMessage, response: ServerResponse, checks: () => Record<string, Check>): void {
  const path = request.url?.split('?', 1)[0]
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && path === '/health/live') return void send(response, 200, { alive: true })
  response.setHeader('retry-after', String(RETRY_AFTER_S))
  if (isRead && path === '/health/ready') send(response, 503, { ready: false, checks: checks() })
  else refuseRequest(request, response, REFUSED)
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), connection: 'close' }
  response.writeHead(status, headers).end(text)
}
