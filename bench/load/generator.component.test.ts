import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connectAsker, get, put } from './connection.ts'
import type { Load, Question } from './load.ts'
import { startLoadThread } from './thread.ts'

const body = (userId: string) => JSON.stringify({ userId })
const HONEST: RequestListener = (request, response) => {
  const text = body(request.url?.slice(1) ?? '')
  response.writeHead(200, { 'read-from': 'redis', 'content-length': text.length }).end(text)
}

async function serving(t: TestContext, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return (server.address() as AddressInfo).port
}

const question = (userId: number): Question => ({
  request: get(`/${userId}`),
  status: 200,
  from: 'cache',
  body: body(String(userId)),
  whole: true,
})

async function load(t: TestContext, given: Partial<Load> & { port: number }) {
  const thread = startLoadThread()
  t.after(thread.stop)
  const questions = Array.from({ length: 50 }, (_, i) => question(i + 1))
  return thread.run({ connections: 4, durationMs: 10_000, questions, once: true, ...given })
}

test('each question is asked once, by all connections together, and each answer is timed', async (t) => {
  const asked: string[] = []
  const port = await serving(t, (request, response) => {
    asked.push(request.url ?? '')
    HONEST(request, response)
  })
  const result = await load(t, { port })
  assert.equal(new Set(asked).size, 50)
  assert.equal(asked.length, 50)
  assert.deepEqual(
    [result.errors, result.answers.atMs.length, result.answers.tookMs.length, result.sources],
    [0, 50, 50, { redis: 50 }],
  )
  assert.ok(result.answers.tookMs.every((ms) => ms > 0 && ms <= result.elapsedMs))
})

test('a load ends when its time is up, after the last answer', async (t) => {
  const port = await serving(t, HONEST)
  const result = await load(t, { port, once: false, durationMs: 200 })
  assert.ok(result.elapsedMs >= 200 && result.elapsedMs < 2_000, `${result.elapsedMs}`)
  assert.ok(result.answers.atMs.length > 50, 'the questions went round')
  assert.equal(result.errors, 0)
  assert.ok(result.generatorBusy > 0 && result.generatorBusy <= 1.1, `${result.generatorBusy}`)
})

test('a wrong answer is counted wherever it is among right ones', async (t) => {
  const port = await serving(t, (request, response) => {
    if (request.url === '/37') request.url = '/38'
    HONEST(request, response)
  })
  const result = await load(t, { port })
  assert.equal(result.errors, 1)
  assert.match(result.complaints[0] ?? '', /GET \/37 .*another body/)
})

test('a connection that breaks is an error, and the load still ends', async (t) => {
  const port = await serving(t, (request, response) => {
    if (request.url === '/10') request.socket.destroy()
    else HONEST(request, response)
  })
  const result = await load(t, { port })
  assert.equal(result.errors, 1)
  assert.equal(result.answers.atMs.length, 49)
})

test('nobody to connect to: an error, not a hang', async (t) => {
  const port = await serving(t, HONEST)
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port: nobody } = gone.address() as AddressInfo
  await new Promise((resolve) => gone.close(resolve))
  assert.equal((await load(t, { port: nobody })).errors, 1)
  assert.equal((await load(t, { port })).errors, 0)
})

test('one thing after another: requests arrive as they were meant, and a lost connection is said', async (t) => {
  const port = await serving(t, (request, response) => {
    if (request.url === '/bye') request.socket.destroy()
    let sent = ''
    request.on('data', (part) => {
      sent += part
    })
    request.on('end', () => response.setHeader('content-length', sent.length).end(sent))
  })
  const asker = await connectAsker(port)
  t.after(asker.close)
  assert.equal((await asker.ask(put('/x', { value: 'y' }))).body, '{"value":"y"}')
  assert.equal((await asker.ask(get('/x', { 'if-none-match': '"a"' }))).status, 200)
  await assert.rejects(asker.ask(get('/bye')), /GET \/bye/)
  await assert.rejects(asker.ask(get('/x')), /closed/)
})
