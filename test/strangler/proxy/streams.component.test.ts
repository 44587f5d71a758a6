import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LegacyGuard } from '../../../src/strangler/proxy/parts.ts'
import { answering, GET, problemIn, startLegacy, startProxy, startRaw, until } from './rig.ts'

const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n'
const UPGRADE =
  'GET /ws?a HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n'
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n'

/** Counts the places that are held. */
function counted() {
  const places = { held: 0 }
  const guard: LegacyGuard = {
    async run(_signal, { head, rest }) {
      places.held += 1
      try {
        await rest(await head())
      } finally {
        places.held -= 1
      }
    },
  }
  return { places, guard }
}

test('the parts of an event stream come when they are sent, and it holds no place of a request', async (t) => {
  const legacy = await startRaw(t, answering(EVENTS))
  const { places, guard } = counted()
  const proxy = await startProxy(t, legacy.url, { guard, silenceMs: 50 })
  const talk = await proxy.talk()
  talk.socket.write(GET)
  await talk.until('\r\n\r\n')
  await until('its place to be given back', () => places.held === 0)
  const [socket] = legacy.connections.map(({ socket }) => socket)
  for (const event of ['one', 'two']) {
    // Longer than a request may be silent.
    await new Promise((resolve) => setTimeout(resolve, 80))
    socket?.write(`5\r\n${event}\n\n\r\n`)
    await talk.until(`${event}\n\n`)
  }
  assert.equal(proxy.passed.length, 0)
  socket?.write('0\r\n\r\n')
  await talk.closed()
  await until('its end', () => proxy.passed.length === 1)
})

test('no more event streams and tunnels than there are places for: 503, and again when one has ended', async (t) => {
  const legacy = await startRaw(t, answering(EVENTS))
  const proxy = await startProxy(t, legacy.url, { streams: 1 })
  const first = await proxy.talk()
  first.socket.write(GET)
  await first.until('\r\n\r\n')
  const second = await proxy.ask(GET)
  assert.match(second, /^HTTP\/1\.1 503 Service Unavailable\r\n[\s\S]*\r\nRetry-After: 1\r\n/)
  assert.equal(problemIn(second).code, 'legacy-busy')
  assert.match(await proxy.ask(UPGRADE), /^HTTP\/1\.1 503 /)
  assert.equal(legacy.connections.length, 2)
  first.socket.destroy()
  await until('its end', () => proxy.passed.length === 2)
  const third = await proxy.talk()
  third.socket.write(GET)
  assert.match(await third.until('\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/)
})

test('an event stream that is silent for too long is ended; so are all of them before a stop', async (t) => {
  const legacy = await startRaw(t, answering(EVENTS))
  const silent = await startProxy(t, legacy.url, { streamSilenceMs: 50 })
  await silent.ask(GET)
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  talk.socket.write(GET)
  await talk.until('\r\n\r\n')
  proxy.application.endStreams()
  await talk.closed()
})

for (const [what, answer] of [
  ['with a coding that nobody knows', EVENTS.replace('chunked', 'gzip, chunked')],
  ['with a reason that is none', EVENTS.replace('OK', 'O\x01K')],
] as const) {
  test(`an event stream ${what} takes no place along`, async (t) => {
    const legacy = await startRaw(t, (received, socket) =>
      answering(received.startsWith('GET /odd') ? answer : EVENTS)(received, socket),
    )
    const proxy = await startProxy(t, legacy.url, { streams: 2 })
    for (let i = 0; i < 5; i += 1) {
      assert.equal(problemIn(await proxy.ask(GET.replace('/', '/odd'))).code, 'legacy-wrong-answer')
    }
    for (let i = 0; i < 2; i += 1) {
      const talk = await proxy.talk()
      talk.socket.write(GET)
      assert.match(await talk.until('\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/)
    }
  })
}

test('an event stream or a tunnel that comes when all have been ended is not begun', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url)
  const events = await proxy.talk()
  events.socket.write(GET)
  const tunnel = await proxy.talk()
  tunnel.socket.write(UPGRADE)
  await until('both', () => legacy.connections.length === 2)
  proxy.application.endStreams()
  // The request may be of any kind until its answer says so: it is not cut off.
  const asked = legacy.connections.find(({ received }) => !received().includes('/ws'))
  asked?.socket.write(EVENTS)
  assert.equal(problemIn(await events.closed()).code, 'legacy-busy')
  assert.equal(await tunnel.closed(), '')
  assert.equal(problemIn(await proxy.ask(UPGRADE)).code, 'legacy-busy')
  await until('their ends', () => legacy.connections.every(({ socket }) => socket.destroyed))
})

test('a tunnel carries bytes both ways, those that came early among them, and ends with either side', async (t) => {
  for (const ending of ['client', 'legacy'] as const) {
    const legacy = await startRaw(t, (received, socket) => {
      if (received.endsWith('\r\n\r\nearly')) socket.write(`${SWITCHED}first`)
      if (received.endsWith('ping')) socket.write('pong')
    })
    const { places, guard } = counted()
    const proxy = await startProxy(t, legacy.url, { guard, silenceMs: 30, deadlineMs: 500 })
    const talk = await proxy.talk()
    // What a client sends before it is told that it may is kept for then.
    talk.socket.write(UPGRADE)
    await until('the request', () => legacy.connections[0]?.received().endsWith('\r\n\r\n') ?? false)
    assert.match(
      legacy.connections[0]?.received() ?? '',
      /^GET \/ws\?a HTTP\/1\.1\r\nHost: shop\r\nSec-WebSocket-Key: abc\r\nX-Forwarded-For: [\s\S]*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/,
    )
    legacy.connections[0]?.socket.write(`${SWITCHED}first`)
    assert.match(
      await talk.until('first'),
      /^HTTP\/1\.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nAnswered-By: legacy\r\nX-Request-Id: [\w-]{36}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst$/,
    )
    assert.equal(places.held, 0)
    await new Promise((resolve) => setTimeout(resolve, 60))
    talk.socket.write('ping')
    await talk.until('pong')
    const [{ socket } = { socket: talk.socket }] = legacy.connections
    const [one, other] = ending === 'client' ? [talk.socket, socket] : [socket, talk.socket]
    one.end()
    await until('the other side to be told', () => other.readableEnded)
    other.end()
    await until('both to be closed', () => one.destroyed && other.destroyed)
  }
})

test('an upgrade that the legacy application does not want is answered as it says', async (t) => {
  const legacy = await startLegacy(t, (_request, response) => {
    response.writeHead(403, { 'Content-Length': 300_000 }).end('no '.repeat(100_000))
  })
  const proxy = await startProxy(t, legacy.url)
  const text = await proxy.ask(UPGRADE)
  assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*\r\nAnswered-By: legacy\r\n[\s\S]*\r\nConnection: close\r\n/)
  assert.equal(text.match(/no /g)?.length, 100_000)
})

test('an upgrade without a legacy application that answers is a problem document', async (t) => {
  const silent = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, silent.url, { deadlineMs: 50 })
  assert.match(await proxy.ask(UPGRADE), /^HTTP\/1\.1 504 /)
  silent.server.close()
  for (const { socket } of silent.connections) socket.destroy()
  assert.match(await proxy.ask(UPGRADE), /^HTTP\/1\.1 502 /)
  assert.match(await proxy.ask(UPGRADE.replace('Host', 'Content-Length: 3\r\nHost')), /^HTTP\/1\.1 400 /)
})

test('a tunnel in which nothing moves is ended', async (t) => {
  const legacy = await startRaw(t, answering(SWITCHED))
  const proxy = await startProxy(t, legacy.url, { streamSilenceMs: 50 })
  assert.match(await proxy.ask(UPGRADE), /^HTTP\/1\.1 101 /)
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
})

test('a client that goes away while it waits for its tunnel takes its question along', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url, { streams: 1, deadlineMs: 60_000 })
  const talk = await proxy.talk()
  talk.socket.write(UPGRADE)
  await until('the question', () => legacy.connections.length === 1)
  talk.socket.destroy()
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
  const again = (await proxy.talk()).socket
  again.write(UPGRADE)
  await until('the next question', () => legacy.connections.length === 2)
})
