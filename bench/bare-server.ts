import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it is told to answer; latin1. */
export type BareAnswer = { headers: Record<string, string>; body: string; keepAliveTimeoutMs: number }

// The least that Node does for a request: no route, no check, no lookup. It is told one answer and gives it to all.
process.once('message', ({ headers, body, keepAliveTimeoutMs }: BareAnswer) => {
  const bytes = Buffer.from(body, 'latin1')
  const server = createServer((_request, response) => {
    response.writeHead(200, headers)
    response.end(bytes)
  })
  server.keepAliveTimeout = keepAliveTimeoutMs
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
})
