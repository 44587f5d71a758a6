import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { MAX_HEADER_LINES, MAX_URL_LENGTH, MAX_WAITING } from '../../src/plugins/request-limits.ts'
import { lastFirst } from '../contract/rig.ts'
import { startFront, startLegacy } from '../strangler/rig.ts'
import { type Connection, dial, exchange, parseAnswer } from '../support/raw-http.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'

/** In which a request must have arrived, here; a dribble of one byte each so often never ends by itself. */
const REQUEST_TIMEOUT_MS = 600
const DRIBBLE_MS = 50
/** Long before anything else would end such a request. */
const IN_TIME = { timeout: 30_000 }
const MANY = 200
const MAX_CONNECTIONS = MANY + 20

let service: TestService
let userId: number
before(async () => {
  const environment = { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS), MAX_CONNECTIONS: String(MAX_CONNECTIONS) }
  service = await startService({ environment })
  const registered = await service.app.inject({
    method: 'POST',
    url: '/v1/users',
    payload: { username: 'attacked', givenName: 'Ann', familyName: 'Lee', homeBranchId: 'B001' },
  })
  userId = registered.json().userId
  await service.app.listen({ host: '127.0.0.1', port: 0 })
})
after(() => service?.close())

const port = () => (service.app.server.address() as AddressInfo).port
const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(service.token)}\r\n${more}\r\n`
const LAST = 'Connection: close\r\n'
/** Beside Host, Authorization and Connection. */
const lines = (count: number, name = 'accept') => `${name}: a\r\n`.repeat(count)

/** Somebody else's request, in the midst of it all. */
async function isServed(): Promise<void> {
  const answer = await exchange(port(), get(`/v1/users/${userId}`, LAST))
  assert.equal(parseAnswer(answer).status, 200, answer)
}

function isProblem(answer: string, status: number, code: string): void {
  const { headers, body, ...got } = parseAnswer(answer)
  assert.equal(got.status, status, answer.slice(0, 300))
  assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8')
  assert.equal(JSON.parse(body).code, code)
  assert.equal(headers.get('connection'), 'close')
}
const refusals = async (reason: string): Promise<number> => {
  const text = await service.api.metrics.metrics()
  return Number(new RegExp(`users_requests_refused_total{reason="${reason}"} (\\d+)`).exec(text)?.[1])
}

test('a flood of headers is refused, wherever they would have gone', async () => {
  const before = await refusals('too-many-headers')
  const asked = [`/v1/users/${userId}`, '/v1/users?limit=1', '/health/live', '/nowhere']
  for (const path of asked) {
    const most = await exchange(port(), get(path, lines(MAX_HEADER_LINES - 3) + LAST))
    assert.ok(parseAnswer(most).status < 431, most.slice(0, 200))
    isProblem(await exchange(port(), get(path, lines(MAX_HEADER_LINES - 2) + LAST)), 431, 'headers-too-large')
  }
  // More than Node takes by itself.
  const tiny = `GET /v1/users HTTP/1.1\r\n${'a:\r\n'.repeat(2_500)}Host: x\r\n\r\n`
  isProblem(await exchange(port(), tiny), 431, 'headers-too-large')
  assert.equal(await refusals('too-many-headers'), before + asked.length)
  await isServed()
})

test('headers without end are cut off, and cost no more than their bytes', async () => {
  const { socket, text, closed } = dial(port())
  socket.write(`GET /v1/users/1 HTTP/1.1\r\nHost: x\r\n`)
  const flood = setInterval(() => socket.write(lines(500)), 1)
  await closed.finally(() => clearInterval(flood))
  isProblem(text(), 431, 'headers-too-large')
})

test('a URL without end is 414, one of the longest that is looked at is not', async () => {
  const path = (length: number) => `/v1/users?q=${'x'.repeat(length - '/v1/users?q='.length)}`
  isProblem(await exchange(port(), get(path(MAX_URL_LENGTH + 1))), 414, 'uri-too-long')
  assert.equal(parseAnswer(await exchange(port(), get(path(MAX_URL_LENGTH), LAST))).status, 400)
  isProblem(await exchange(port(), get(`/v1/users/${'1'.repeat(MAX_URL_LENGTH)}`)), 414, 'uri-too-long')
})

test('the legacy application’s own requests are not held to our limits, and lose nothing on the way', async (context) => {
  const t = lastFirst(context)
  let arrived: { url: string; rawHeaders: string[] } | undefined
  const legacy = await startLegacy(t, ({ url = '', rawHeaders }, response) => {
    arrived = { url, rawHeaders }
    response.end('legacy')
  })
  const front = await startFront(t, legacy.url, { worker: false })
  const to = Number(new URL(front.base).port)
  const path = `/old?${'x'.repeat(MAX_URL_LENGTH)}`
  // As many, nearly, as the proxy passes on.
  const many = 'a:\r\n'.repeat(900)
  const text = await exchange(to, `GET ${path} HTTP/1.1\r\nHost: x\r\n${many}X-Last: here\r\n${LAST}\r\n`)
  assert.match(text, /^HTTP\/1\.1 200 .*legacy/s)
  assert.equal(arrived?.url, path)
  assert.equal(arrived?.rawHeaders.filter((name) => name === 'a').length, 900)
  assert.ok(arrived?.rawHeaders.some((name) => name.toLowerCase() === 'x-last'))
  const ours = await exchange(to, `GET /v1/users HTTP/1.1\r\nHost: x\r\n${many}\r\n`)
  isProblem(ours, 431, 'headers-too-large')
})

/** Says a little now and then, for as long as it is let. */
function dribble(to: number, begin: string, more: string): Connection {
  const connection = dial(to)
  connection.socket.write(begin)
  const timer = setInterval(() => connection.socket.write(more), DRIBBLE_MS)
  connection.socket.once('close', () => clearInterval(timer))
  return connection
}

const SLOW: [what: string, begin: string, more: string][] = [
  ['headers', `GET /v1/users/1 HTTP/1.1\r\nHost: x\r\n`, 'a: b\r\n'],
  ['one header', `GET /v1/users/1 HTTP/1.1\r\nHost: x\r\nX-Slow: `, 'x'],
  [
    'a body',
    'POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n',
    ' ',
  ],
  [
    'chunks',
    'POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    '1\r\n \r\n',
  ],
]

for (const [what, begin, more] of SLOW) {
  test(`many who dribble ${what} are all cut off in time, and keep nobody waiting`, IN_TIME, async () => {
    const withToken = begin.replace('Host: x\r\n', `Host: x\r\nAuthorization: ${bearer(service.token)}\r\n`)
    const slow = Array.from({ length: MANY }, () => dribble(port(), withToken, more))
    for (let i = 0; i < 10; i += 1) await isServed()
    await Promise.all(slow.map(({ closed }) => closed))
    for (const { text } of slow) if (text() !== '') isProblem(text(), 408, 'request-timeout')
    assert.ok(slow.some(({ text }) => text() !== ''))
  })
}

test(
  'also before a legacy application, where others may take their time: what is ours has to come',
  IN_TIME,
  async (context) => {
    const t = lastFirst(context)
    const legacy = await startLegacy(t)
    const environment = { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS), LEGACY_REQUEST_MS: '60000' }
    const front = await startFront(t, legacy.url, { worker: false, environment })
    const to = Number(new URL(front.base).port)
    for (const [what, begin, more] of SLOW) {
      const withToken = begin.replace('Host: x\r\n', `Host: x\r\nAuthorization: ${bearer(front.token)}\r\n`)
      const { closed, text } = dribble(to, withToken, more)
      await closed
      assert.equal(parseAnswer(text()).status, 408, what)
    }
  },
)

test('who connects and says nothing is sent away', IN_TIME, async () => {
  const silent = Array.from({ length: MANY }, () => dial(port()))
  await isServed()
  await Promise.all(silent.map(({ closed }) => closed))
})

test('more connections than there may be are closed at once, and those that are there are served on', async (context) => {
  const t = lastFirst(context)
  const first = dial(port())
  t.after(() => first.socket.destroy())
  const ask = async (id: string) => {
    first.socket.write(get('/health/live', `X-Request-Id: ${id}\r\n`))
    await first.received(`x-request-id: ${id}`)
  }
  await ask('before')
  const crowd: Connection[] = []
  t.after(() => {
    for (const { socket } of crowd) socket.destroy()
  })
  for (let i = 0; i < MAX_CONNECTIONS + 30; i += 1) crowd.push(dial(port()))
  const closed = () => crowd.filter(({ isClosed }) => isClosed()).length
  await until('those beyond the limit are closed', async () => closed() >= 31)
  // The others are as silent, and have their time yet.
  assert.ok(closed() < MANY, `${closed()} are closed`)
  await ask('among-them')
  for (const { socket } of crowd) socket.destroy()
  await until('there is room again', async () =>
    isServed()
      .then(() => true)
      .catch(() => false),
  )
})

test('a flood of requests over one connection takes no more places than any client’s', async () => {
  const before = await refusals('too-many-waiting')
  let most = 0
  let underWay = 0
  const count = ({ socket }: IncomingMessage, response: ServerResponse) => {
    // What had been read already, of a connection that is gone.
    if (socket.destroyed) return
    underWay += 1
    most = Math.max(most, underWay)
    response.once('close', () => {
      underWay -= 1
    })
  }
  service.app.server.prependListener('request', count)
  // Lists take their time, so that all are under way at once; no answer is read.
  const { socket, closed } = dial(port())
  socket.pause()
  socket.write(get('/v1/users?limit=200').repeat(50 * MAX_WAITING))
  await isServed()
  socket.resume()
  await closed
  service.app.server.off('request', count)
  assert.ok(most <= MAX_WAITING + 3, `${most} requests were under way at once`)
  assert.equal(await refusals('too-many-waiting'), before + 1)
  await isServed()
})

test('as many as a client may send ahead are all answered, in their order', async () => {
  const ids = Array.from({ length: MAX_WAITING }, (_, i) => `n${i}`)
  const asked = ids.map((id, i) => get(i % 2 ? '/v1/users?limit=1' : `/v1/users/${userId}`, `X-Request-Id: ${id}\r\n`))
  const answers = await exchange(port(), asked.join('') + get('/health/live', LAST))
  assert.deepEqual(
    [...answers.matchAll(/x-request-id: (n\d+)/g)].map(([, id]) => id),
    ids,
  )
})
