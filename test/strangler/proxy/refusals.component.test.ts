import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GET, problemIn, startProxy, startRaw } from './rig.ts'

const POST = 'POST / HTTP/1.1\r\nHost: shop\r\n'
const NO_CHUNKS = '\r\n\r\n0\r\n\r\n'

/** Requests whose end, or whose host, two readers could see in different places. */
const SHAPES: [what: string, request: string][] = [
  ['a length and chunks', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked${NO_CHUNKS}`],
  ['chunks and a length', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5${NO_CHUNKS}`],
  ['two lengths, the same', `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ['a list of lengths', `${POST}Content-Length: 5, 5\r\n\r\nhello`],
  ['a length with a sign', `${POST}Content-Length: +5\r\n\r\nhello`],
  ['a length that is none', `${POST}Content-Length: 0x5\r\n\r\nhello`],
  ['an empty length', `${POST}Content-Length:\r\n\r\n`],
  ['chunks in another coding', `${POST}Transfer-Encoding: gzip, chunked${NO_CHUNKS}`],
  ['another coding in chunks', `${POST}Transfer-Encoding: chunked, gzip${NO_CHUNKS}`],
  ['chunks twice', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked${NO_CHUNKS}`],
  ['no coding', `${POST}Transfer-Encoding: identity${NO_CHUNKS}`],
  ['an empty coding', `${POST}Transfer-Encoding:${NO_CHUNKS}`],
  ['nearly chunks', `${POST}Transfer-Encoding: xchunked${NO_CHUNKS}`],
  ['chunks after a vertical tab', `${POST}Transfer-Encoding: \x0bchunked${NO_CHUNKS}`],
  ['chunks in HTTP/1.0', `${POST.replace('1.1', '1.0')}Transfer-Encoding: chunked${NO_CHUNKS}`],
  ['a space before the colon', `${POST}Content-Length : 5\r\n\r\nhello`],
  ['a folded line', `${POST}X: a\r\n b\r\n\r\n`],
  ['lines without CR', 'GET / HTTP/1.1\nHost: shop\n\n'],
  ['a CR alone', `${POST}X: a\rY: b\r\n\r\n`],
  ['a zero byte', `${POST}X: a\0b\r\n\r\n`],
  ['two hosts', `${POST}Host: other\r\n\r\n`],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['a host with a path', 'GET / HTTP/1.1\r\nHost: shop/path\r\n\r\n'],
  ['a host with a user', 'GET / HTTP/1.1\r\nHost: user@shop\r\n\r\n'],
  ['two words for a host', 'GET / HTTP/1.1\r\nHost: shop other\r\n\r\n'],
  ['HTTP/0.9', 'GET /\r\n\r\n'],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: shop\r\n\r\n'],
  ['a target of another scheme', 'GET ftp://shop/ HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a target with a user', 'GET http://user@shop/ HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a target with a backslash for a slash', 'GET http:\\\\shop/ HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a star for a GET', 'GET * HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a target with a space', 'GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n'],
]

test('what could be read in two ways is refused, its connection closed, and nothing of it passed on', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url)
  for (const [what, request] of SHAPES) {
    // A second request stands behind it, which must not be taken for one.
    const text = await proxy.ask(`${request}GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n`)
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*Connection: close\r\n/, what)
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, what)
  }
  assert.equal(legacy.connections.length, 0)
})

test('a refusal is a problem document', async (t) => {
  const proxy = await startProxy(t, (await startRaw(t, () => undefined)).url)
  const text = await proxy.ask(GET.replace('Host: shop', 'Host: shop\r\nHost: shop'))
  assert.deepEqual(problemIn(text), {
    ...{
      type: 'urn:users-service:problem:invalid-request',
      title: 'Bad Request',
      status: 400,
      code: 'invalid-request',
    },
    ...{ detail: 'There is more than one Host.', requestId: 'request-1' },
  })
  assert.equal(proxy.passed[0]?.outcome, 'refused')
})

test('more header lines than Node hands on are refused', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url)
  const text = await proxy.ask(`GET / HTTP/1.1\r\nHost: shop\r\n${'a: b\r\n'.repeat(1_000)}\r\n`)
  assert.match(text, /^HTTP\/1\.1 431 /)
  assert.equal(legacy.connections.length, 0)
})

test('a CONNECT gets nothing', async (t) => {
  const legacy = await startRaw(t, () => undefined)
  const proxy = await startProxy(t, legacy.url)
  assert.equal(await proxy.ask('CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n'), '')
  assert.equal(legacy.connections.length, 0)
})

test('variables that only look like ours to a WSGI application are left out', async (t) => {
  const legacy = await startRaw(
    t,
    (_received, socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  )
  const proxy = await startProxy(t, legacy.url)
  const odd = ['X_Forwarded_Proto', 'x_forwarded-host', 'X_Request_Id', 'Content_Length', 'Transfer_Encoding']
  await proxy.ask(GET.replace('Host', `${odd.map((name) => `${name}: 1\r\n`).join('')}Host`))
  assert.doesNotMatch(legacy.connections[0]?.received() ?? '', /_/)
})
