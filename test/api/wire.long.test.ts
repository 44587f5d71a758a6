import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { type Api, apiClient } from './client.ts'
import { written } from './written.ts'

const SILENCE_MS = 8_000
const MEGABYTE = Buffer.alloc(1_048_576, 'x')

let service: TestService
let api: Api
before(async () => {
  service = await startService({ environment: { REQUEST_TIMEOUT_MS: '300' } })
  api = await apiClient(service.app)
  await api.somebody({ username: 'wired' })
  await service.app.listen({ host: '127.0.0.1', port: 0 })
})
after(() => service?.close())

const port = () => (service.app.server.address() as AddressInfo).port

/** A connection, and everything that has come over it. */
function dial(to = port()) {
  const socket = connect(to, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const text = () => Buffer.concat(chunks).toString()
  // A server that answers before it has read everything may reset the connection; what it said counts.
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve, reject) => {
    socket.once('close', () => resolve())
    socket.setTimeout(SILENCE_MS, () => {
      reject(new Error(`${SILENCE_MS} ms of silence after ${text()}`))
      socket.destroy()
    })
  })
  closed.catch(() => undefined)
  return { socket, text, closed, received: (part: string) => received(text, part) }
}
const received = (text: () => string, part: string) => until(part, async () => text().includes(part))

/** Sends these bytes alone on a connection, and answers what came until the server closed it. */
async function exchange(bytes: string | Buffer): Promise<string> {
  const { socket, text, closed } = dial()
  socket.write(bytes)
  await closed
  return text()
}

function parse(answer: string) {
  const end = answer.indexOf('\r\n\r\n')
  const [first = '', ...lines] = answer.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  return { status: Number(first.split(' ')[1]), headers, body: answer.slice(end + 4) }
}

function isProblem(answer: string, status: number, code: string): void {
  const { headers, body, ...got } = parse(answer)
  assert.equal(got.status, status, answer.slice(0, 400))
  assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8', answer)
  const problem = JSON.parse(body)
  assert.equal(problem.code, code)
  assert.equal(problem.type, `urn:users-service:problem:${code}`)
  assert.equal(problem.status, status)
  assert.ok(problem.title && problem.detail)
  assert.equal(problem.requestId, headers.get('x-request-id'))
  assert.equal(Number(headers.get('content-length')), Buffer.byteLength(body))
}

const authorization = ({ token } = service) => `Authorization: ${bearer(token)}\r\n`
const GET = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${authorization()}${more}\r\n`
const PATCH = () => `PATCH /v1/users/1 HTTP/1.1\r\nHost: x\r\n${authorization()}Content-Type: application/json\r\n`
const LAST = 'Connection: close\r\n'

test('HEAD has the headers of GET, and no body', async () => {
  for (const path of ['/v1/users/1', '/v1/users', '/v1/roles', '/v1/users/777777', '/health/live']) {
    const [got, head] = await Promise.all([exchange(GET(path, LAST)), exchange(GET(path, LAST).replace('GET', 'HEAD'))])
    const [a, b] = [parse(got), parse(head)]
    assert.equal(b.body, '')
    assert.equal(b.status, a.status)
    for (const headers of [a.headers, b.headers])
      for (const name of ['date', 'x-request-id', 'ratelimit', 'read-age']) headers.delete(name)
    assert.deepEqual(b.headers, a.headers)
    assert.equal(Number(a.headers.get('content-length')), Buffer.byteLength(a.body))
  }
})

test('304 has neither body nor content-length of one, and the connection goes on', async () => {
  const tag = (await api.get('/v1/users/1')).headers.etag
  const answers = await exchange(GET('/v1/users/1', `If-None-Match: ${tag}\r\n`) + GET('/health/live', LAST))
  assert.match(answers, /^HTTP\/1\.1 304 /)
  assert.match(answers, /HTTP\/1\.1 200 .*\{"alive":true\}$/s)
  const head = await exchange(GET('/v1/users/1', `If-None-Match: ${tag}\r\n${LAST}`).replace('GET', 'HEAD'))
  assert.match(head, /^HTTP\/1\.1 304 /)
  assert.doesNotMatch(head, /content-length/i)
})

test('one connection serves request after request, also those sent before the answers came', async () => {
  const count = 50
  const pipelined = Array.from({ length: count }, (_, i) => GET('/v1/users/1', `X-Request-Id: n${i}\r\n`)).join('')
  const answers = await exchange(pipelined + GET('/health/live', LAST))
  const ids = [...answers.matchAll(/x-request-id: n(\d+)/gi)].map((match) => Number(match[1]))
  assert.deepEqual(ids, [...Array(count).keys()])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const locals = new Set<number | undefined>()
  for (let i = 0; i < 5; i += 1) {
    const headers = { authorization: bearer(service.token) }
    const asked = request({ port: port(), path: `/v1/users/${i % 2 ? 1 : 777777}`, headers, agent }).end()
    const [answer] = await once(asked, 'response')
    locals.add(answer.socket.localPort)
    answer.resume()
    await once(answer, 'end')
  }
  agent.destroy()
  assert.equal(locals.size, 1, 'an error answer keeps the connection too')
})

const TEN_MEGABYTES = 10

test('10 MB that are announced are refused before they are sent', async () => {
  const before = await written(service)
  const connection = dial()
  connection.socket.write(`${PATCH()}Content-Length: ${TEN_MEGABYTES * MEGABYTE.length}\r\n\r\n{`)
  await connection.received('body-too-large')
  connection.socket.destroy()
  isProblem(connection.text(), 413, 'body-too-large')
  assert.deepEqual(await written(service), before)
})

test('10 MB that come in chunks, unannounced, are refused once they are too many, and the service goes on', async () => {
  const before = await written(service)
  const connection = dial()
  connection.socket.write(
    `POST /v1/users HTTP/1.1\r\nHost: x\r\n${authorization()}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  for (let n = 0; n < TEN_MEGABYTES && connection.socket.writable; n += 1) {
    connection.socket.write(`${MEGABYTE.length.toString(16)}\r\n`)
    connection.socket.write(MEGABYTE)
    connection.socket.write('\r\n')
  }
  await connection.received('body-too-large')
  connection.socket.destroy()
  isProblem(connection.text(), 413, 'body-too-large')
  assert.deepEqual(await written(service), before)
  assert.equal((await api.get('/v1/users/1')).statusCode, 200)
})

/** Without a token: it is refused before anybody asks for one. */
const BODY = 'PATCH /v1/users/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const NO_HTTP: [what: string, bytes: string | Buffer][] = [
  ['garbage', 'GARBAGE\r\n\r\n'],
  ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex')],
  ['an unknown version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n'],
  ['a header without colon', 'GET / HTTP/1.1\r\nHost x\r\n\r\n'],
  ['a header with NUL', 'GET / HTTP/1.1\r\nHost: x\r\nA: a\0b\r\n\r\n'],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n'],
  ['blanks before a colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
  ['a blank in the path', 'GET /v1/users/1 2 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a control character in the path', 'GET /v1/users/\x01 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['two lengths', `${BODY}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
  ['a length beside chunks', `${BODY}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['a length that is no number', `${BODY}Content-Length: two\r\n\r\n{}`],
  ['a negative length', `${BODY}Content-Length: -2\r\n\r\n{}`],
]

test('what is no HTTP is answered with a problem document, and the connection is closed', async () => {
  const before = await written(service)
  for (const [what, bytes] of NO_HTTP) {
    const answer = await exchange(bytes)
    assert.match(answer, /^HTTP\/1\.1 400 /, what)
    isProblem(answer, 400, 'invalid-request')
  }
  assert.deepEqual(await written(service), before)
})

test('a method that nobody knows is 501 and says so; CONNECT gets no tunnel', async () => {
  for (const method of ['BREW', 'FOO', 'get'])
    isProblem(await exchange(`${method} /v1/users/1 HTTP/1.1\r\nHost: x\r\n\r\n`), 501, 'method-unknown')
  assert.doesNotMatch(await exchange('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 2/)
})

test('a request without Host is 400 and names it; HTTP/1.0 needs none', async () => {
  isProblem(await exchange('GET /v1/users/1 HTTP/1.1\r\n\r\n'), 400, 'invalid-request')
  assert.equal(parse(await exchange(`GET /v1/users/1 HTTP/1.0\r\n${authorization()}\r\n`)).status, 200)
})

test('an expectation that is not known is 417; nobody is told to send on what is too large', async () => {
  isProblem(await exchange(GET('/v1/users/1', 'Expect: coffee\r\n')), 417, 'expectation-failed')
  const sent = (length: number) => `${PATCH()}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  const large = dial()
  large.socket.write(sent(99_000_000))
  await large.received('body-too-large')
  large.socket.destroy()
  isProblem(large.text(), 413, 'body-too-large')
  const small = dial()
  small.socket.write(sent(20))
  await small.received('HTTP/1.1 100 Continue')
  small.socket.write('{"jobTitle":"Sender"}'.slice(0, 20))
  await small.received('malformed-json')
  small.socket.destroy()
})

test('chunks that are broken change nothing', async () => {
  const before = await written(service)
  for (const chunks of ['zz\r\n{}\r\n0\r\n\r\n', '5\r\n{}\r\n0\r\n\r\n', '-1\r\n\r\n', 'ffffffffffffffffff\r\n']) {
    const answer = await exchange(`${PATCH()}Transfer-Encoding: chunked\r\n\r\n${chunks}`)
    assert.match(answer, /^(HTTP\/1\.1 400 |$)/, chunks)
  }
  assert.deepEqual(await written(service), before)
})

test('chunks without a type are refused at the first byte, and are no body when there is none', async () => {
  const remove = `DELETE /v1/users/1/preferences/chunked HTTP/1.1\r\nHost: x\r\n${authorization()}Transfer-Encoding: chunked\r\n`
  for (const type of ['', 'Content-Type: text/plain\r\n', 'Content-Type: application/json\r\n']) {
    const none = parse(await exchange(`${remove}${type}Connection: close\r\n\r\n0\r\n\r\n`))
    assert.equal(none.status, 200, `${type}${none.body}`)
  }
  const connection = dial()
  connection.socket.write(`${remove}\r\n1\r\n{\r\n`)
  await connection.received('unsupported-media-type')
  connection.socket.destroy()
  isProblem(connection.text(), 415, 'unsupported-media-type')
  const nowhere = await exchange(
    'POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  )
  isProblem(nowhere, 404, 'not-found')
})

test('headers and paths too large for anybody are 431', async () => {
  isProblem(await exchange(GET('/v1/users/1', `X-Large: ${'x'.repeat(20_000)}\r\n`)), 431, 'headers-too-large')
  isProblem(await exchange(GET(`/v1/users?q=${'x'.repeat(20_000)}`)), 431, 'headers-too-large')
  const many = Array.from({ length: 2_000 }, (_, i) => `X-Many-${i}: x\r\n`).join('')
  isProblem(await exchange(GET('/v1/users/1', many)), 431, 'headers-too-large')
  isProblem(await exchange(GET(`/v1/users/by-username/${'x'.repeat(10_000)}`, LAST)), 414, 'uri-too-long')
})

test('paths are taken as they are sent: no dots are resolved, no slashes folded', async () => {
  const nowhere = [
    '/v1/./users/1',
    '/v1/../v1/users/1',
    '/./v1/users/1',
    '//v1/users/1',
    '/v1//users/1',
    '/v1/users/1/',
    '/v1/users/1/.',
    '/%76%31/../v1',
    '/docs/static/../../package.json',
    '/docs/static/%2e%2e/%2e%2e/package.json',
    '/docs/static/..%2f..%2fpackage.json',
    '/docs/static//etc/passwd',
    '/docs/static/%00',
  ]
  for (const path of nowhere) {
    const { status, body } = parse(await exchange(GET(path, LAST)))
    assert.ok([400, 404].includes(status), `${path} ${status}`)
    assert.ok(!body.includes('users-service"') && !body.includes('root:'), path)
  }
  for (const path of ['/v1/users/%2e%2e', '/v1/users/..', '/v1/users/.', '/v1/users/%2F1', '/v1/users/1%2Fsuspend']) {
    isProblem(await exchange(GET(path, LAST)), 400, 'invalid-request')
  }
  // RFC 9112 section 3.2.2: a server takes the absolute form too.
  assert.equal(parse(await exchange(GET('http://elsewhere/v1/users/1', LAST))).status, 200)
  assert.equal(parse(await exchange(GET('/v1/users/%31', LAST))).status, 200)
})

test('who sends the headers, or the body, too slowly is 408 and gets the connection closed', async () => {
  const before = await written(service)
  const slow = ['GET /v1/users/1 HTTP/1.1\r\nHost: x\r\nX-', `${PATCH()}Content-Length: 20\r\n\r\n{"jobTitle":`]
  for (const answer of await Promise.all(slow.map(exchange))) isProblem(answer, 408, 'request-timeout')
  assert.deepEqual(await written(service), before)
})

test('who hangs up in the middle of a request disturbs nobody', async () => {
  const before = await written(service)
  const unfinished: Socket[] = Array.from({ length: 20 }, () => {
    const { socket } = dial()
    socket.write(`${PATCH()}Content-Length: 20\r\n\r\n{"jobTitle":`)
    return socket
  })
  await Promise.all(unfinished.map((socket) => once(socket, 'connect')))
  for (const socket of unfinished) socket.resetAndDestroy()
  assert.equal(parse(await exchange(GET('/v1/users/1', LAST))).status, 200)
  assert.deepEqual(await written(service), before)
})

test('a shutdown lets what is under way end, takes no new connections, and closes idle ones', async (t) => {
  const closing = await startService({ worker: false })
  t.after(() => closing.close())
  const client = await apiClient(closing.app)
  const path = `/v1/users/${await client.somebody()}`
  await closing.app.listen({ host: '127.0.0.1', port: 0 })
  const { port: its } = closing.app.server.address() as AddressInfo
  const [idle, busy, kept] = [dial(its), dial(its), dial(its)]
  const body = '{"jobTitle":"Clerk"}'
  const command = `PATCH ${path} HTTP/1.1\r\nHost: x\r\n${authorization(closing)}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  for (const { socket, received } of [idle, busy, kept]) {
    socket.write(GET('/health/live'))
    await received('"alive":true')
  }
  const release = await closing.database.holdWrites()
  let underWay = 0
  closing.app.server.on('request', () => {
    underWay += 1
  })
  busy.socket.write(command)
  kept.socket.write(command)
  await until('the commands are under way', async () => underWay === 2)
  let closed = false
  const close = closing.app.close().then(() => {
    closed = true
  })
  const early = dial(its)
  early.socket.write(GET('/health/ready'))
  await early.closed
  assert.match(
    early.text(),
    /HTTP\/1\.1 503 .*connection: close\r\n.*"shutting down"/is,
    'whoever still comes is served',
  )
  await idle.closed
  const [error] = await once(connect(its, '127.0.0.1'), 'error')
  assert.equal(error.code, 'ECONNREFUSED')
  kept.socket.write(GET('/health/ready'))
  await until('one more has come', async () => underWay === 3)
  assert.equal(closed, false, 'the shutdown waits for the commands')
  await release()
  await Promise.all([close, busy.closed, kept.closed])
  for (const { text } of [busy, kept]) assert.match(text(), /HTTP\/1\.1 200 OK\r\n.*"version":\d+\}/s)
  assert.match(kept.text(), /HTTP\/1\.1 503 .*"ready":false.*"shutting down"/s)
  assert.equal((await closing.query('SELECT job_title FROM users'))[0]?.job_title, 'Clerk')
})
