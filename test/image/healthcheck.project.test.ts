import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { addressOf, ask } from '../../scripts/image/healthcheck.mjs'

describe("the image's health check", () => {
  const serve = ['tini', '--', 'node', 'src/main.ts', 'serve', '']
  const work = ['tini', '--', 'node', 'src/main.ts', 'work', 'project', '']
  for (const [what, command, env, address] of [
    ['the API, as the image is set', serve, { HOST: '0.0.0.0', PORT: '8080' }, ['127.0.0.1', 8080, '/health/live']],
    ['the API without settings', serve, { HOST: '', PORT: '' }, ['127.0.0.1', 8080, '/health/live']],
    ['the API on one address', serve, { HOST: '10.0.0.7', PORT: '81' }, ['10.0.0.7', 81, '/health/live']],
    ['a worker', work, { HOST: '::', METRICS_PORT: '9464' }, ['127.0.0.1', 9464, '/health/live']],
    ['a worker, its metrics elsewhere', work, { METRICS_HOST: '::1', METRICS_PORT: '1' }, ['::1', 1, '/health/live']],
    ['a worker without metrics', work, { PORT: '8080' }, null],
  ] as const) {
    test(`of ${what}`, () => {
      const found = addressOf([...command], env)
      assert.deepEqual(found && [found.host, found.port, found.path], address)
    })
  }

  const asking = async (listener: RequestListener, limitMs?: number) => {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      return await ask({ host: '127.0.0.1', port, path: '/health/live' }, limitMs)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  test('200 is well, and nothing else is', async () => {
    assert.equal(await asking((_, response) => void response.end('{}')), undefined)
    assert.equal(await asking((_, response) => void response.writeHead(503).end()), 'status 503')
    assert.equal(await asking((request) => void request.socket.destroy()), 'socket hang up')
  })

  test('who is silent, at once or in the midst of it, is not waited for', async () => {
    assert.equal(await asking(() => undefined, 50), 'no answer within 50 ms')
    const dripping: RequestListener = (_, response) => {
      const timer = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(timer))
    }
    assert.notEqual(await asking(dripping, 100), undefined)
  })

  test('who does not listen is not well', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    assert.match((await ask({ host: '127.0.0.1', port, path: '/' })) ?? '', /ECONNREFUSED/)
  })
})
