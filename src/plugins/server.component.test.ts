import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import Fastify, { type FastifyHttpOptions } from 'fastify'
import { serverWith } from './server.ts'

const OPTIONS: FastifyHttpOptions<Server> = {
  keepAliveTimeout: 12_345,
  requestTimeout: 6_789,
  connectionTimeout: 54_321,
  maxRequestsPerSocket: 0,
  http: { maxHeaderSize: 9_000, headersTimeout: 5_432, connectionsCheckingInterval: 321 },
}

test('the server has the limits that Fastify would have given it', () => {
  const [own, theirs] = [
    Fastify({ ...OPTIONS, serverFactory: serverWith((_request, _response, next) => next()) }),
    Fastify(OPTIONS),
  ]
  const [a, b] = [own.server, theirs.server].map(({ timeout, ...server }) => ({
    timeout,
    keepAliveTimeout: server.keepAliveTimeout,
    requestTimeout: server.requestTimeout,
    headersTimeout: server.headersTimeout,
    maxRequestsPerSocket: server.maxRequestsPerSocket,
    // Not in the types.
    maxHeaderSize: (server as { maxHeaderSize?: number }).maxHeaderSize,
    connectionsCheckingInterval: (server as { connectionsCheckingInterval?: number }).connectionsCheckingInterval,
  }))
  assert.deepEqual(a, b)
  assert.deepEqual(a, {
    timeout: 54_321,
    keepAliveTimeout: 12_345,
    requestTimeout: 6_789,
    headersTimeout: 5_432,
    maxRequestsPerSocket: 0,
    maxHeaderSize: 9_000,
    connectionsCheckingInterval: 321,
  })
})

test('what the shortcut answers never reaches the router, and all else does', async (t) => {
  const app = Fastify({
    ...OPTIONS,
    serverFactory: serverWith((request, response, next) => {
      if (request.url !== '/short') return next()
      response.end('short')
    }),
  })
  t.after(() => app.close())
  const routed: string[] = []
  app.addHook('onRequest', async (request) => void routed.push(request.url))
  app.get('/long', async () => 'long')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.on('data', (bytes) => {
    text += String(bytes)
  })
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  socket.write(get('/short') + get('/long') + get('/short', 'Connection: close\r\n'))
  await once(socket, 'close')
  assert.deepEqual(routed, ['/long'])
  assert.deepEqual(text.match(/(short|long)/g), ['short', 'long', 'short'])
})
