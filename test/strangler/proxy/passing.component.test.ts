import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { MAX_INTERIM } from '../../../src/strangler/proxy/limits.ts'
import { answering, GET, listening, problemIn, startLegacy, startProxy, startRaw, talkTo, until } from './rig.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('a request and its answer pass with names, order, case, duplicates and bytes as they came', async (t) => {
  const lines =
    'X-B: 1\r\nx-a:  two  words\r\nX-B: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX-Latin: \xe9\xff\r\nX-Empty:\r\n'
  const answer =
    'HTTP/1.1 299 Quite F\xefne\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nX-Odd: \xe9\r\nDate: long ago\r\nX-odd: 2\r\n' +
    'ETag: W/"1"\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\nContent-Disposition: attachment; filename="\xe9"\r\n\r\n\x00\xff\x80'
  const legacy = await startRaw(t, answering(answer))
  const proxy = await startProxy(t, legacy.url)
  const text = await proxy.ask(
    `GET /a//b/../%2e%2f?q=%20&q HTTP/1.1\r\nHost: shop:81\r\n${lines}Connection: close\r\n\r\n`,
  )
  assert.equal(
    legacy.connections[0]?.received(),
    'GET /a//b/../%2e%2f?q=%20&q HTTP/1.1\r\nHost: shop:81\r\nX-B: 1\r\nx-a: two  words\r\nX-B: 2\r\nCookie: a=1\r\n' +
      'Cookie: b=2\r\nX-Latin: \xe9\xff\r\nX-Empty: \r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: shop:81\r\n' +
      'X-Forwarded-Proto: http\r\nX-Forwarded-Port: 81\r\nForwarded: for=127.0.0.1;host="shop:81";proto=http\r\n' +
      'Via: 1.1 users-service\r\nX-Request-Id: request-1\r\nConnection: keep-alive\r\n\r\n',
  )
  assert.equal(
    text,
    'HTTP/1.1 299 Quite F\xefne\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nX-Odd: \xe9\r\nDate: long ago\r\nX-odd: 2\r\n' +
      'ETag: W/"1"\r\nContent-Encoding: gzip\r\nContent-Disposition: attachment; filename="\xe9"\r\nContent-Length: 3\r\n' +
      'Answered-By: legacy\r\nX-Request-Id: request-1\r\nConnection: close\r\n\r\n\x00\xff\x80',
  )
  const [one] = proxy.passed
  assert.equal(one?.outcome, 'answered')
  assert.deepEqual(one?.outcome === 'answered' && one.copy?.body, Buffer.from('\x00\xff\x80', 'latin1'))
})

test('what belongs to one connection is not passed on, whichever side names it', async (t) => {
  const legacy = await startRaw(
    t,
    answering(
      'HTTP/1.1 200 OK\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nTrailer: X-T\r\n' +
        'Upgrade: h2c\r\nX-Request-Id: theirs\r\nAnswered-By: somebody\r\nContent-Length: 0\r\n\r\n',
    ),
  )
  const proxy = await startProxy(t, legacy.url)
  const text = await proxy.ask(
    'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close, x-mine, host\r\nX-Mine: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\n' +
      'Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nX-Kept: 1\r\nX-Request-Id: not sane\r\n' +
      'X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX_Lost: 2\r\n\r\n',
  )
  assert.equal(
    legacy.connections[0]?.received().replace(/X-Forwarded-Host[\s\S]*/, ''),
    'GET / HTTP/1.1\r\nHost: shop\r\nX-Kept: 1\r\nX-Forwarded-For: 127.0.0.1\r\n',
  )
  assert.match(legacy.connections[0]?.received() ?? '', /\r\nX-Request-Id: request-1\r\n/)
  assert.equal(
    text,
    'HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 0\r\nAnswered-By: legacy\r\nConnection: close\r\n\r\n',
  )
})

for (const [name, answer, expected] of [
  ['with a length', 'Content-Length: 3\r\n\r\nabc', 'Content-Length: 3'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'],
] as const) {
  test(`an answer ${name} stays one`, async (t) => {
    const legacy = await startRaw(t, answering(`HTTP/1.1 200 OK\r\n${answer}`))
    const text = await (await startProxy(t, legacy.url)).ask(GET)
    assert.ok(text.includes(`\r\n${expected}\r\n`), text)
    assert.equal(text.replace(/[\s\S]*?\r\n\r\n/, '').replace(/[\d\r\n]/g, ''), 'abc')
  })
}

test('an answer that ends with its connection is passed on, and one of HTTP/1.0', async (t) => {
  const legacy = await startRaw(t, (_received, socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'))
  const proxy = await startProxy(t, legacy.url)
  assert.match(await proxy.ask(GET), /\r\nTransfer-Encoding: chunked\r\n[\s\S]*\r\n9\r\nall of it\r\n0\r\n\r\n$/)
  const old = await proxy.ask('GET / HTTP/1.0\r\n\r\n')
  assert.match(
    old,
    /^HTTP\/1\.1 200 OK\r\nAnswered-By: legacy\r\nX-Request-Id: request-1\r\nConnection: close\r\n\r\nall of it$/,
  )
  assert.match(legacy.connections[1]?.received() ?? '', new RegExp(`\r\nHost: 127.0.0.1:${legacy.port}\r\n`, 'i'))
})

test('answers without a body keep what they say of it', async (t) => {
  const heads = ['200 OK\r\nContent-Length: 77', '304 Not Modified\r\nContent-Length: 5\r\nETag: "1"', '204 No Content']
  for (const [i, head] of heads.entries()) {
    const legacy = await startRaw(t, answering(`HTTP/1.1 ${head}\r\n\r\n`))
    const proxy = await startProxy(t, legacy.url)
    const text = await proxy.ask(GET.replace('GET', i === 0 ? 'HEAD' : 'GET'))
    assert.equal(
      text,
      `HTTP/1.1 ${head}\r\nAnswered-By: legacy\r\nX-Request-Id: request-1\r\nConnection: close\r\n\r\n`,
    )
  }
})

test('bodies pass with the framing that they came with, and are sent over connections of their own', async (t) => {
  const seen: { framing: string; body: string }[] = []
  const legacy = await startLegacy(t, (request, response) => {
    let body = ''
    request.on('data', (part) => {
      body += part
    })
    request.on('end', () => {
      const { 'content-length': length, 'transfer-encoding': coding, connection } = request.headers
      seen.push({ framing: `${length} ${coding} ${connection}`, body })
      response.end()
    })
  })
  const proxy = await startProxy(t, legacy.url)
  const head = 'Host: shop\r\nConnection: close\r\n'
  await proxy.ask(`POST / HTTP/1.1\r\n${head}Content-Length: 5\r\n\r\nhello`)
  await proxy.ask(
    `PATCH / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\n`,
  )
  await proxy.ask(`POST / HTTP/1.1\r\n${head}\r\n`)
  await proxy.ask(`DELETE / HTTP/1.1\r\n${head}\r\n`)
  await proxy.ask(`GET / HTTP/1.1\r\n${head}Content-Length: 2\r\n\r\nhi`)
  assert.deepEqual(seen, [
    { framing: '5 undefined close', body: 'hello' },
    { framing: 'undefined chunked close', body: 'abc' },
    { framing: '0 undefined close', body: '' },
    { framing: 'undefined undefined close', body: '' },
    { framing: '2 undefined close', body: 'hi' },
  ])
})

test('whoever waits to be told to go on is told by the legacy application, and only by that', async (t) => {
  const legacy = await startRaw(t, (received, socket) => {
    if (received.endsWith('hello')) socket.write(OK)
  })
  const proxy = await startProxy(t, legacy.url)
  const talk = await proxy.talk()
  talk.socket.write(
    'PUT / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
  )
  await until('the head', () => legacy.connections[0]?.received().includes('\r\n\r\n') ?? false)
  assert.match(legacy.connections[0]?.received() ?? '', /\r\nExpect: 100-continue\r\n/)
  assert.equal(talk.text(), '')
  legacy.connections[0]?.socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
  await talk.until('</a>')
  talk.socket.write('hello')
  assert.match(
    await talk.closed(),
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  )
})

test('requests that come together over one connection are answered in their order', async (t) => {
  const legacy = await startLegacy(t, ({ url }, response) => {
    setTimeout(() => response.end(`<${url}>`), url === '/1' ? 50 : 0)
  })
  const proxy = await startProxy(t, legacy.url)
  const text = await proxy.ask(
    ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('') + GET.replace('/', '/4'),
  )
  assert.deepEqual(text.match(/<.*?>/g), ['</1>', '</2>', '</3>', '</4>'])
})

test('of a flood of interim answers some come, and the answer', async (t) => {
  const legacy = await startRaw(t, answering(`${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1_000)}${OK}`))
  const proxy = await startProxy(t, legacy.url)
  const text = await proxy.ask(GET)
  assert.equal(text.match(/HTTP\/1\.1 103 /g)?.length, MAX_INTERIM)
  assert.match(text, /HTTP\/1\.1 200 OK\r\n[\s\S]*ok$/)
})

test('whether an answer is the last of its connection is asked when it is given', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const { application } = await startProxy(t, legacy.url)
  let isClosing = false
  const port = await listening(
    t,
    createServer((request, response) => {
      void application.pass(request, response, { requestId: 'a', copyUpToBytes: 0, isLast: () => isClosing })
    }),
  )
  for (const [i, answer] of [OK, 'no HTTP\r\n\r\n'].entries()) {
    isClosing = false
    const talk = await talkTo(t, port)
    talk.socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await until('the question', () => legacy.connections.length === i + 1)
    isClosing = true
    legacy.connections[i]?.socket.end(answer)
    assert.match(await talk.closed(), /\r\nConnection: close\r\n/)
  }
})

test('what comes behind the answer to a HEAD is nobody’s', async (t) => {
  const another = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
  const legacy = await startRaw(t, (received, socket) => {
    if (received.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n')
    else answering(OK)(received, socket)
    // In a packet of its own, when the head has been read.
    if (received.startsWith('HEAD')) setTimeout(() => socket.write(another), 20)
  })
  const proxy = await startProxy(t, legacy.url)
  assert.match(await proxy.ask(GET.replace('GET', 'HEAD')), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/)
  assert.match(await proxy.ask(GET), /ok$/)
  assert.equal(legacy.connections.length, 2)
  assert.match(legacy.connections[0]?.received() ?? '', /\r\nConnection: close\r\n/)
})

test('a request that has been here before is refused', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const proxy = await startProxy(t, legacy.url)
  const ask = (via: string) => proxy.ask(GET.replace('Host', `Via: ${via}\r\nHost`))
  const text = await ask('1.0 other, HTTP/1.1 Users-Service (comment)')
  assert.match(text, /^HTTP\/1\.1 508 Loop Detected\r\n/)
  assert.equal(problemIn(text).code, 'legacy-loop')
  assert.match(await ask('1.1 not-users-service'), /^HTTP\/1\.1 200 OK\r\n/)
  assert.equal(legacy.connections.length, 1)
  assert.match(
    legacy.connections[0]?.received() ?? '',
    /\r\nVia: 1\.1 not-users-service\r\n[\s\S]*\r\nVia: 1\.1 users-service\r\n/,
  )
})

test('a large answer is passed on without a copy', async (t) => {
  const legacy = await startRaw(t, answering(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5_000)}`))
  const proxy = await startProxy(t, legacy.url)
  assert.ok((await proxy.ask(GET)).endsWith('x'.repeat(5_000)))
  const [one] = proxy.passed
  assert.deepEqual(one?.outcome === 'answered' && one.copy, null)
})
