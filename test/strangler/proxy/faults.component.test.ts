import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { answering, GET, listening, problemIn, startLegacy, startProxy, startRaw, until } from './rig.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const upload = (bytes: number, connection = 'close') =>
  `POST / HTTP/1.1\r\nHost: shop\r\nConnection: ${connection}\r\nContent-Length: ${bytes}\r\n\r\n`

test('nobody there: 502 at once, which says nothing of where that is; back again: it works at once', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const proxy = await startProxy(t, legacy.url)
  legacy.server.close()
  const text = await proxy.ask(GET)
  assert.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\nContent-Type: application\/problem\+json; charset=utf-8\r\n/)
  const { type, requestId, ...rest } = problemIn(text)
  assert.deepEqual([type, requestId], ['urn:users-service:problem:legacy-unreachable', 'request-1'])
  assert.ok(!JSON.stringify(rest).includes(String(legacy.port)))
  assert.equal(proxy.passed[0]?.outcome, 'unreachable')
  // A body that nobody reads does not stand in the way of the answer, nor of the end.
  assert.match(await proxy.ask(`${upload(5)}hello`), /^HTTP\/1\.1 502 /)
  assert.match(await proxy.ask(GET.replace('GET', 'HEAD')), /^HTTP\/1\.1 502 [\s\S]*\r\n\r\n$/)
  legacy.server.listen(legacy.port, '127.0.0.1')
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 200 OK\r\n/)
})

test('no answer by the deadline: 504, and the request to it is ended', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url, { deadlineMs: 50 })
  const text = await proxy.ask(GET)
  assert.match(text, /^HTTP\/1\.1 504 Gateway Timeout\r\n/)
  assert.equal(problemIn(text).code, 'legacy-timeout')
  assert.equal(proxy.passed[0]?.outcome, 'timeout')
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
})

test('a connection that is never ready: 502 after its own time', async (t) => {
  // It takes the connection, and says nothing of TLS.
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url.replace('http:', 'https:'), { connectMs: 50, deadlineMs: 60_000 })
  assert.equal(problemIn(await proxy.ask(GET)).code, 'legacy-unreachable')
  assert.equal(problemIn(await proxy.ask(`${upload(5)}hello`)).code, 'legacy-unreachable')
})

for (const [what, answer] of [
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a coding that nobody knows', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
  ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
] as const) {
  test(`an answer that is none, ${what}: 502`, async (t) => {
    const legacy = await startRaw(t, answering(answer))
    const proxy = await startProxy(t, legacy.url)
    const text = await proxy.ask(GET)
    assert.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/)
    assert.equal(problemIn(text).code, 'legacy-wrong-answer')
    await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
  })
}

test('hung up on without an answer: 502', async (t) => {
  const legacy = await startRaw(t, (_received, socket) => socket.destroy())
  const proxy = await startProxy(t, legacy.url)
  assert.equal(problemIn(await proxy.ask(GET)).code, 'legacy-unreachable')
  assert.equal(legacy.connections.length, 1)
})

for (const [what, head] of [
  ['with a length', 'Content-Length: 10\r\n\r\nhalf'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
] as const) {
  test(`an answer ${what} that breaks off never looks whole`, async (t) => {
    const legacy = await startRaw(t, (_received, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}`)
      setTimeout(() => socket.destroy(), 20)
    })
    const proxy = await startProxy(t, legacy.url)
    const text = await proxy.ask(GET.replace('close', 'keep-alive'))
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*half/)
    assert.ok(!text.endsWith('0\r\n\r\n'))
    await until('its end', () => proxy.passed.length === 1)
    assert.equal(proxy.passed[0]?.outcome === 'answered' && proxy.passed[0].copy, null)
  })
}

test('an answer that stands still is ended, and its client’s connection', async (t) => {
  const legacy = await startRaw(t, answering('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'))
  const proxy = await startProxy(t, legacy.url, { silenceMs: 50 })
  assert.match(await proxy.ask(GET.replace('close', 'keep-alive')), /half$/)
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
})

test('whoever stops in the midst of a request is told so; the legacy application is not at fault', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url, { silenceMs: 50 })
  const text = await proxy.ask(`${upload(10)}half`)
  assert.match(text, /^HTTP\/1\.1 408 Request Timeout\r\n/)
  assert.equal(proxy.passed[0]?.outcome, 'cancelled')
})

test('a legacy application that takes no more of a request: 504', async (t) => {
  const legacy = await startRaw(t, (_received, socket) => void socket.pause())
  const proxy = await startProxy(t, legacy.url, { silenceMs: 200 })
  const talk = await proxy.talk()
  talk.socket.write(upload(1e9))
  const part = Buffer.alloc(1_048_576)
  const more = () => {
    while (!talk.socket.destroyed && talk.socket.write(part));
  }
  talk.socket.on('drain', more)
  more()
  assert.equal(problemIn(await talk.until('}')).code, 'legacy-timeout')
})

test('an answer before the request has ended is passed on, and the connection closed', async (t) => {
  const legacy = await startRaw(t, (_received, socket) => {
    if (socket.bytesWritten === 0) socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  })
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  talk.socket.write(`${upload(1e9, 'keep-alive')}begin`)
  const text = await talk.until('no')
  assert.match(text, /^HTTP\/1\.1 413 Too Large\r\n[\s\S]*\r\nConnection: close\r\n\r\nno$/)
  await talk.closed()
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
  assert.equal(proxy.passed[0]?.outcome, 'answered')
})

test('an answer before the request has ended is had, though the connection is closed after it at once', async (t) => {
  const legacy = await startLegacy(t, (_request, response) => {
    response.writeHead(413, { connection: 'close', 'content-length': 2 }).end('no')
  })
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  talk.socket.write(upload(1e9))
  const part = Buffer.alloc(65_536)
  const more = () => {
    while (!talk.socket.destroyed && talk.socket.write(part));
  }
  talk.socket.on('drain', more)
  more()
  assert.match(await talk.until('\r\n\r\nno'), /^HTTP\/1\.1 413 Payload Too Large\r\n/)
})

test('after such an answer the rest of its request is taken in, and what comes behind it is not carried out', async (t) => {
  const legacy = await startRaw(t, (_received, socket) => {
    if (socket.bytesWritten === 0) socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  })
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  const errors: Error[] = []
  talk.socket.on('error', (error) => errors.push(error))
  talk.socket.write(`${upload(1_000_000, 'keep-alive')}begin`)
  await talk.until('\r\n\r\nno')
  talk.socket.write('x'.repeat(999_990))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(talk.socket.writable)
  talk.socket.write(`xxxxx${GET}`)
  assert.match(await talk.closed(), /no$/)
  assert.deepEqual(errors, [])
  assert.equal(legacy.connections.length, 1)
})

for (const when of ['before its answer', 'within its answer', 'within its request'] as const) {
  test(`a client goes away ${when}: what it has asked for is ended at once`, async (t) => {
    const legacy = await startRaw(t, (_received, socket) => {
      if (when === 'within its answer') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')
    })
    const proxy = await startProxy(t, legacy.url)
    const talk = await proxy.talk()
    talk.socket.write(when === 'within its request' ? `${upload(9)}part` : GET)
    if (when === 'within its answer') await talk.until('part')
    else await until('the request', () => legacy.connections.length === 1)
    talk.socket.destroy()
    await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
    await until('its end', () => proxy.passed.length === 1)
    assert.equal(proxy.passed[0]?.outcome, when === 'within its answer' ? 'answered' : 'cancelled')
  })
}

test('a client goes away whose requests wait for each other: all of them are ended', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  talk.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20))
  await until('all of them', () => legacy.connections.length === 20)
  talk.socket.destroy()
  await until('their ends', () => proxy.passed.length === 20)
  assert.ok(proxy.passed.every(({ outcome }) => outcome === 'cancelled'))
  await until('their connections to be closed', () => legacy.connections.every(({ socket }) => socket.destroyed))
})

test('an idle connection that dies while it is taken costs nobody an answer; nothing else is sent again', async (t) => {
  const legacy = await startRaw(t, (received, socket) => {
    const asked = received.split('\r\n\r\n').length - 1
    // Each connection answers once, and is reset by what comes next.
    if (asked > 1) socket.resetAndDestroy()
    else if (received.endsWith('\r\n\r\n') || received.endsWith('hello')) socket.write(OK)
  })
  const proxy = await startProxy(t, legacy.url)
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 200 /)
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 200 /)
  assert.deepEqual(
    legacy.connections.map(({ received }) => received().split('\r\n\r\n').length - 1),
    [2, 1],
  )
  // The second went over a connection of its own, which is not kept: so does a POST.
  assert.match(await proxy.ask(`${upload(5)}hello`), /^HTTP\/1\.1 200 /)
  assert.equal(legacy.connections.length, 3)
})

test('after a byte of an answer nothing is sent again, and never after an answer', async (t) => {
  let asked = 0
  const legacy = await startRaw(t, (_received, socket) => {
    asked += 1
    if (asked === 1) return void socket.write(OK)
    if (asked === 3) return void socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    socket.write('HTTP/1.1 2')
    setTimeout(() => socket.resetAndDestroy(), 20)
  })
  const proxy = await startProxy(t, legacy.url)
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 200 /)
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 502 /)
  assert.equal(legacy.connections.length, 1)
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 503 /)
  assert.equal(asked, 3)
})

test('idle connections are used again, and closed after a while', async (t) => {
  const legacy = await startLegacy(t, (_request, response) => void response.end('ok'))
  const ports = new Set<number>()
  legacy.server.on('request', ({ socket }) => ports.add((socket.remotePort as AddressInfo['port']) ?? 0))
  const proxy = await startProxy(t, legacy.url, { idleMs: 100 })
  for (let i = 0; i < 5; i += 1) await proxy.ask(GET)
  assert.equal(ports.size, 1)
  let open = 1
  await until('it to be closed', () => {
    legacy.server.getConnections((_error, count) => {
      open = count
    })
    return open === 0
  })
})

test('closing ends what is under way', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  talk.socket.write(GET)
  await until('the request', () => legacy.connections.length === 1)
  await proxy.application.close()
  await talk.closed()
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
})

test('one that listens again on its old port is found again', async (t) => {
  const first = await startLegacy(t, (_request, response) => void response.end('first'))
  const proxy = await startProxy(t, first.url)
  assert.match(await proxy.ask(GET), /first/)
  first.server.closeAllConnections()
  await new Promise((resolve) => first.server.close(resolve))
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 502 /)
  const { createServer } = await import('node:http')
  await listening(
    t,
    createServer((_request, response) => void response.end('second')),
    first.port,
  )
  assert.match(await proxy.ask(GET), /second/)
})
