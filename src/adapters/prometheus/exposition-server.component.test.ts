import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { readExposition } from '../../../test/support/exposition.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { expositionServer } from './exposition-server.ts'
import { metricRegistry } from './families.ts'
import { neighbourMetrics } from './neighbour-metrics.ts'

type Options = Partial<Parameters<typeof expositionServer>[0]>
const HOST = '127.0.0.1'
const LIMIT_MS = 10_000
const LONG_MS = 10 * LIMIT_MS
/** Nothing ends by itself. */
const PATIENT = { requestMs: LONG_MS, stalledMs: LONG_MS, keepAliveMs: LONG_MS }

/** A registry that never has anything to show; `asked` when it has been asked. */
function stuck() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const registry = () => {
    resolve()
    return new Promise<string>(() => undefined)
  }
  return { registry, contentType: metricRegistry().contentType, asked: promise }
}

/** What is served, and what was said at `warn`. */
async function serve(t: TestContext, options: Options = {}) {
  const registry = metricRegistry()
  neighbourMetrics(registry)
  const said: string[] = []
  const ignore = () => undefined
  const log = { debug: ignore, info: ignore, error: ignore, warn: (_: object, message: string) => said.push(message) }
  const server = expositionServer({ registry, log, ...options })
  t.after(server.close)
  const url = await server.listen({ host: HOST, port: 0 })
  return { ...server, url, said, registry, port: Number(new URL(url).port) }
}

async function ask(url: string, method = 'GET', agent?: Agent) {
  const asked = request(url, { method, ...(agent ? { agent } : { agent: false }), timeout: LIMIT_MS }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString() }
}

/** Sends `text`, and answers what has come when the other side has ended the connection. */
async function untilClosed(t: TestContext, port: number, text = ''): Promise<string> {
  const socket = connect(port, HOST)
  t.after(() => socket.destroy())
  let heard = ''
  socket
    .on('error', () => undefined)
    .on('data', (data) => {
      heard += data
    })
  socket.write(text)
  await once(socket, 'close', { signal: AbortSignal.timeout(LIMIT_MS) })
  return heard
}

test('metrics are read over HTTP, with the content type of the format', async (t) => {
  const { url, registry } = await serve(t)
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
  const { status, headers, body } = await ask(url)
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(Number(headers['content-length']), Buffer.byteLength(body))
  assert.equal(body, await registry.metrics())
  assert.equal(readExposition(body).length, 3)
  const filtered = await ask(`${url}?collect[]=x`)
  assert.deepEqual([filtered.status, filtered.body], [200, body])
  const head = await ask(url, 'HEAD')
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', headers['content-length']])
})

test('nothing else is there', async (t) => {
  const { url } = await serve(t)
  const { origin } = new URL(url)
  for (const path of ['/', '/metrics/', '/metricsx', '/health/ready', '/v1/users/1', '//metrics', '/Metrics']) {
    assert.equal((await ask(`${origin}${path}`)).status, 404, path)
    assert.equal((await ask(`${origin}${path}`, 'POST')).status, 404, path)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { status, headers } = await ask(url, method)
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method)
  }
})

test('a worker is asked here whether it is alive, and not whether its metrics are to be had', async (t) => {
  const metrics = () => Promise.reject(new Error('ill'))
  const { url } = await serve(t, { registry: { contentType: metricRegistry().contentType, metrics } })
  const { status, headers, body } = await ask(`${new URL(url).origin}/health/live`)
  assert.deepEqual([status, headers['content-type'], body], [200, 'application/json', '{"alive":true}'])
})

test('a body that nobody asked for is not waited for', async (t) => {
  const { port } = await serve(t, { limits: PATIENT })
  const head = 'POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n'
  assert.match(await untilClosed(t, port, `${head}and no more`), /^HTTP\/1\.1 405 /)
})

test('metrics that cannot be collected are 500, said in the log, and no end of the process', async (t) => {
  const registry = metricRegistry()
  let isIll = true
  const metrics = () => (isIll ? Promise.reject(new Error('ill')) : registry.metrics())
  const { url, said } = await serve(t, { registry: { contentType: registry.contentType, metrics } })
  const { status, body } = await ask(url)
  assert.deepEqual([status, body], [500, 'Metrics could not be collected.\n'])
  assert.deepEqual(said, ['metrics could not be collected'])
  isIll = false
  assert.equal((await ask(url)).status, 200)
})

test('more connections than there may be are closed at once', async (t) => {
  const { port, url } = await serve(t, { limits: { connections: 2 } })
  const agents = [0, 1].map(() => new Agent({ keepAlive: true }))
  t.after(() => {
    for (const agent of agents) agent.destroy()
  })
  for (const agent of agents) assert.equal((await ask(url, 'GET', agent)).status, 200)
  assert.equal(await untilClosed(t, port, 'GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n'), '')
  for (const agent of agents) assert.equal((await ask(url, 'GET', agent)).status, 200)
})

test('whoever sends nothing is hung up on', async (t) => {
  const { port } = await serve(t, { limits: { stalledMs: 100 } })
  assert.equal(await untilClosed(t, port), '')
})

test('whoever sends half a request is told that it took too long', async (t) => {
  const { port } = await serve(t, { limits: { ...PATIENT, requestMs: 100 } })
  assert.match(await untilClosed(t, port, 'GET /metrics HTTP/1.1\r\nHo'), /^HTTP\/1\.1 408 /)
  const withBody = 'GET /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf'
  assert.match(await untilClosed(t, port, withBody), /^HTTP\/1\.1 200 /)
})

test('whoever takes no answer is hung up on', async (t) => {
  const { contentType } = metricRegistry()
  // More than the buffers of both sides hold.
  const metrics = async () => 'x'.repeat(64_000_000)
  const limits = { connections: 1, stalledMs: 100 }
  const { port, url } = await serve(t, { registry: { contentType, metrics }, limits })
  const socket = connect(port, HOST).pause()
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  socket.write('GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n')
  await once(socket, 'readable')
  await until('there is a place again', () => ask(`${url}x`).catch(() => null))
})

test('a connection serves for many scrapes, also when they are far apart', async (t) => {
  const { url } = await serve(t, { limits: { stalledMs: 50 } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const idle = async () => Object.values(agent.freeSockets).flat()[0]
  await ask(url, 'GET', agent)
  const socket = await until('it is idle', idle)
  // As long as another one, that nothing is sent on, is kept.
  await untilClosed(t, Number(new URL(url).port))
  assert.equal(socket.destroyed, false)
  await ask(url, 'GET', agent)
  assert.equal(await until('it is idle again', idle), socket)
})

test('it ends at once, whoever is connected, and then nobody is', { timeout: LIMIT_MS }, async (t) => {
  const { registry, contentType, asked } = stuck()
  const { url, close } = await serve(t, { registry: { contentType, metrics: registry }, limits: PATIENT })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  await ask(`${url}x`, 'GET', agent)
  const scrape = assert.rejects(ask(url), { code: 'ECONNRESET' })
  await asked
  await Promise.all([close(), scrape])
  await close()
  await assert.rejects(ask(url), { code: 'ECONNREFUSED' })
})

test('a port that is taken is for whoever starts it to say', async (t) => {
  const { port } = await serve(t)
  const server = expositionServer({ registry: metricRegistry(), log: quiet })
  await assert.rejects(server.listen({ host: HOST, port }), { code: 'EADDRINUSE' })
  await server.close()
})
