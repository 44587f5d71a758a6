import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { bucketOf } from '../../src/domain/strangler.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { addUsers, answerWith, type Client, startFront, startLegacy, wellBehaved } from './rig.ts'

const HOST = 'Host: a\r\n'

/** Says bytes over a connection, and in each request who asks; answers what has come. */
async function talk(t: Owner, { base, token }: Pick<Client, 'base' | 'token'>) {
  const { port } = new URL(base)
  const socket = connect(Number(port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  let text = ''
  socket.setEncoding('latin1').on('data', (part) => {
    text += part
  })
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return {
    say: (bytes: string) =>
      socket.write(bytes.replaceAll(HOST, `${HOST}Authorization: ${bearer(token)}\r\n`), 'latin1'),
    heard: (part: string) => until(`${part} in ${JSON.stringify(text)}`, async () => text.includes(part) && text),
    text: () => text,
    closed: async () => {
      await closed
      return text
    },
  }
}

const PATCH = (path: string, body: string, more = '') =>
  `PATCH ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${more}\r\n`
const BODY = '{"title":"Clerk"}'
const OURS_BODY = '{"jobTitle":"Clerk"}'

test('bodies that are read here have their own time, whatever time those have that are passed on', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, (request, response) => {
    let bytes = 0
    request.on('data', (part) => {
      bytes += part.length
    })
    request.on('end', () => answerWith(response, { bytes }))
  })
  const { service, set, ...front } = await startFront(t, legacy.url, { environment: { REQUEST_TIMEOUT_MS: '300' } })
  await addUsers(service, 1)
  await set('change-user', { mode: 'native' })
  for (const path of ['/v1/users/1', '/users/1/']) {
    const slow = await talk(t, front)
    slow.say(PATCH(path, BODY) + BODY.slice(0, 5))
    assert.match(await slow.closed(), /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/, path)
  }
  // Nor has who is refused before their body is read any longer for it.
  const stranger = await talk(t, { ...front, token: 'x.y.z' })
  stranger.say(PATCH('/v1/users/1', BODY) + BODY.slice(0, 5))
  assert.match(await stranger.closed(), /^HTTP\/1\.1 401 [\s\S]*"code":"token-invalid"/)
  await set('change-user', { mode: 'legacy' })
  const passedOn = await talk(t, front)
  passedOn.say(PATCH('/users/1/', BODY) + BODY.slice(0, 5))
  // The others were cut off after 300 ms; this one is there for twice as long.
  const other = await talk(t, front)
  other.say(PATCH('/v1/users/1', BODY) + BODY.slice(0, 5))
  await other.closed()
  const another = await talk(t, front)
  another.say(PATCH('/v1/users/1', BODY) + BODY.slice(0, 5))
  await another.closed()
  passedOn.say(BODY.slice(5))
  await passedOn.heard(`{"bytes":${BODY.length}}`)
})

test('whoever waits to be told to go on is told by whoever reads the body', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, (request, response) => {
    request.resume()
    request.on('end', () => wellBehaved(request, response))
  })
  const { service, set, ...front } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  const EXPECTS = 'Expect: 100-continue\r\n'
  for (const [path, mode, body] of [
    ['/v1/users/1', 'legacy', OURS_BODY],
    ['/users/1/', 'legacy', BODY],
    ['/users/1/', 'native', BODY],
  ] as const) {
    await set('change-user', { mode })
    const client = await talk(t, front)
    client.say(PATCH(path, body, EXPECTS))
    assert.equal(await client.heard('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n', path)
    client.say(body)
    await client.heard('HTTP/1.1 200 OK')
  }
  const tooLarge = await talk(t, front)
  tooLarge.say(PATCH('/v1/users/1', 'x'.repeat(100_000), EXPECTS))
  assert.match(await tooLarge.heard('\r\n\r\n'), /^HTTP\/1\.1 413 /)
})

/** RFC 6455 section 4.2.2. */
const acceptOf = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

test('a stop ends WebSockets and event streams, and is not held up by them', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
  })
  legacy.server.on('upgrade', (request, socket) => {
    const accept = acceptOf(String(request.headers['sec-websocket-key']))
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nhello`,
    )
    socket.on('error', () => undefined)
    t.after(() => socket.destroy())
  })
  const { service, ...front } = await startFront(t, legacy.url, { worker: false })
  const tunnel = await talk(t, front)
  tunnel.say(
    'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await tunnel.heard('hello')
  const events = await talk(t, front)
  events.say('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
  await events.heard('data: 1')
  await service.app.close()
  for (const client of [tunnel, events]) await client.closed()
})

test('an upgrade of our own paths, or to something else, is answered as if it were none', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const front = await startFront(t, legacy.url, { worker: false })
  for (const [path, upgrade, status] of [
    ['/v1/none', 'websocket', '404'],
    ['/anything', 'h2c', '200'],
  ]) {
    const client = await talk(t, front)
    client.say(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`)
    assert.ok((await client.heard('\r\n\r\n')).startsWith(`HTTP/1.1 ${status} `))
  }
})

test('who asks is believed of trusted proxies only: by the audit, and by the legacy application', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, ({ headers }, response) => answerWith(response, headers))
  const says = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https', 'x-request-id': 'asked' }
  for (const [trusted, address, proto, forwardedFor] of [
    ['127.0.0.0/8', '198.51.100.7', 'https', '198.51.100.7, 127.0.0.1'],
    ['10.0.0.0/8', '127.0.0.1', 'http', '127.0.0.1'],
  ] as const) {
    const { service, ask, set } = await startFront(t, legacy.url, { environment: { TRUSTED_PROXIES: trusted } })
    await addUsers(service, 1)
    const passed = (await ask('/anything', { headers: says })).json()
    assert.deepEqual([passed['x-forwarded-for'], passed['x-forwarded-proto']], [forwardedFor, proto])
    await set('change-user', { mode: 'native' })
    const headers = { ...says, 'content-type': 'application/json' }
    assert.equal((await ask('/users/1/', { method: 'PATCH', headers, body: BODY })).by, 'native')
    const [row] = await service.query("SELECT address FROM user_audit WHERE request_id = 'asked'")
    assert.equal(row?.address, address)
  }
})

test('requests over one connection are answered in their order, whoever answers them', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, (request, response) => {
    request.resume()
    request.on('end', () => wellBehaved(request, response))
  })
  const { service, set, ...front } = await startFront(t, legacy.url, { environment: { SHADOW_SAMPLE_PERCENT: '0' } })
  await addUsers(service, 2)
  await set('get-user', { mode: 'canary', percent: 50 })
  await set('change-user', { mode: 'native' })
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const client = await talk(t, front)
  client.say(
    [
      get('/users/1/'),
      PATCH('/users/1/', BODY) + BODY,
      get('/users/2/'),
      get('/v1/users/2'),
      PATCH('/other', BODY) + BODY,
      get('/users/1/'),
      get('/last'),
    ].join(''),
  )
  const text = await client.heard('GET /last')
  assert.equal(text.split('HTTP/1.1 200 OK').length - 1, 7, text)
  // Nor is what changes something overtaken on the way.
  const sent = ['GET /users/1/', 'GET /users/2/', 'PATCH /other', 'GET /users/1/', 'GET /last']
  const isNative = (path: string) => [1, 2].some((id) => path === `GET /users/${id}/` && bucketOf(String(id)) < 5_000)
  assert.deepEqual(
    legacy.asked,
    sent.filter((path) => !isNative(path)),
  )
  const places = ['user.1', 'Clerk', '"id":2', '"userId":2', 'PATCH /other', '"id":1', 'GET /last']
  let from = 0
  for (const place of places) {
    const found = text.indexOf(place, from)
    assert.ok(found >= 0, `${place} in its turn`)
    from = found
  }
})

test('what stands behind a request that is refused is not carried out, whoever would have', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, set, ...front } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  await set('change-user', { mode: 'native' })
  const refused = 'POST /orders HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n'
  for (const behind of [
    PATCH('/v1/users/1', OURS_BODY) + OURS_BODY,
    PATCH('/users/1/', BODY) + BODY,
    PATCH('/other', BODY) + BODY,
    'GET /v1/users/1 HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  ]) {
    const client = await talk(t, front)
    client.say(refused + behind)
    const text = await client.closed()
    assert.equal(text.split('HTTP/1.1 ').length - 1, 1, `one answer: ${text}`)
    assert.match(text, /^HTTP\/1\.1 400 /)
  }
  assert.deepEqual(legacy.asked, [])
  const [user] = await service.query('SELECT job_title FROM users WHERE user_id = 1')
  assert.equal(user?.job_title, null)
})

test('bytes that are no HTTP do not become the rest of an answer that was begun before', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('x'.repeat(800))
  })
  const front = await startFront(t, legacy.url, { worker: false })
  const client = await talk(t, front)
  client.say('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.heard('x'.repeat(800))
  client.say('GARBAGE\r\n\r\n')
  assert.ok((await client.closed()).endsWith('x'), client.text())
})

test('our own reads wait for what came before them over the same connection; an upgrade ends it', async (context) => {
  const t = lastFirst(context)
  const gate = Promise.withResolvers<void>()
  const legacy = await startLegacy(t, (request, response) => {
    request.resume()
    void gate.promise.then(() => answerWith(response, { slow: request.url }))
  })
  const { service, ask, ...front } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  // Hot: it would be answered before the router.
  await until('it is near', async () => (await ask('/v1/users/1')).headers.get('read-from') === 'near')
  const client = await talk(t, front)
  client.say('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /v1/users/1 HTTP/1.1\r\nHost: a\r\n\r\n')
  const upgrading = await talk(t, front)
  upgrading.say(
    'GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  assert.equal(await upgrading.closed(), '')
  await service.sql("UPDATE users SET job_title = 'Baker' WHERE user_id = 1")
  await service.drained()
  gate.resolve()
  const text = await client.heard('"userId":1')
  assert.ok(text.indexOf('"slow"') < text.indexOf('"userId":1'))
  assert.match(text, /"jobTitle":"Baker"/, 'it was read after what came before it was done')
})
