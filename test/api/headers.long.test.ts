import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { lastFirst } from '../contract/rig.ts'
import { startFront, startLegacy } from '../strangler/rig.ts'
import { NO_TOKEN } from '../support/authorised.ts'
import { exchange, parseAnswer } from '../support/raw-http.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { type Api, apiClient } from './client.ts'

const OURS = 'https://hr.example.com'
const THEIRS = 'https://evil.example.com'

let service: TestService
let api: Api
let userId: number
before(async () => {
  service = await startService({ environment: { REQUEST_TIMEOUT_MS: '400' } })
  api = await apiClient(service.app)
  userId = await api.somebody()
  await service.app.listen({ host: '127.0.0.1', port: 0 })
})
after(() => service?.close())

const port = () => (service.app.server.address() as AddressInfo).port
const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(service.token)}\r\nConnection: close\r\n${more}\r\n`

test('no answer may be taken for another type than it says, whoever gives it', async () => {
  const near = `/v1/users/${userId}`
  await until('it is kept near', async () => (await exchange(port(), get(near))).includes('read-from: near'))
  const tag = parseAnswer(await exchange(port(), get(near))).headers.get('etag')
  const answers: [what: string, bytes: string, status: number][] = [
    ['the hot read', get(near), 200],
    ['the hot read’s 304', get(near, `If-None-Match: ${tag}\r\n`), 304],
    ['the router', get('/v1/roles'), 200],
    ['nobody', get('/v1/users/777777'), 404],
    ['no such path', get('/nowhere'), 404],
    ['a path that is no path', get('/v1/users/%zz'), 400],
    ['another method', get('/health/live').replace('GET', 'DELETE'), 405],
    ['no token', get('/v1/roles').replace(/Authorization.*\r\n/, ''), 401],
    ['a body that is none', `${get('/v1/users', 'Content-Length: 1\r\n').replace('GET', 'POST')}x`, 415],
    ['a long URL', get(`/v1/users?q=${'x'.repeat(9_000)}`), 414],
    ['many headers', get('/v1/users', 'a: b\r\n'.repeat(200)), 431],
    ['large headers', get('/v1/users', `a: ${'b'.repeat(20_000)}\r\n`), 431],
    ['an expectation', get('/v1/users', 'Expect: tea\r\n'), 417],
    ['no HTTP', 'x\r\n\r\n', 400],
    ['silence', 'GET / HTTP/1.1\r\n', 408],
    ['health', get('/health/ready'), 200],
    ['the page', get('/docs'), 200],
    ['what the page loads', get('/docs/static/swagger-ui.css'), 200],
    ['what the page does not have', get('/docs/static/nothing.js'), 404],
  ]
  for (const [what, bytes, status] of answers) {
    const answer = parseAnswer(await exchange(port(), bytes))
    assert.equal(answer.status, status, what)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', what)
    // It means nothing but over TLS, which ends before us.
    assert.equal(answer.headers.get('strict-transport-security'), undefined, what)
    assert.equal(answer.headers.get('server') ?? answer.headers.get('x-powered-by'), undefined, what)
  }
})

test('what the legacy application answers is its own', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const front = await startFront(t, legacy.url, { worker: false })
  const passed = await front.ask('/old')
  assert.equal(passed.by, 'legacy')
  assert.equal(passed.headers.get('x-content-type-options'), null)
})

test('the pages may load only what comes from here, and stand in nobody’s frame', async () => {
  for (const path of ['/docs', '/docs/', '/docs/json', '/docs/static/swagger-ui-bundle.js']) {
    const { statusCode, headers } = await service.app.inject(path)
    assert.equal(statusCode, 200, path)
    const policy = new Map(
      String(headers['content-security-policy'])
        .split(';')
        .map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1).join(' ')]),
    )
    assert.equal(policy.get('default-src'), "'self'")
    assert.equal(policy.get('script-src'), undefined, 'scripts are held to the default')
    for (const name of ['object-src', 'frame-ancestors', 'base-uri', 'form-action', 'script-src-attr'])
      assert.equal(policy.get(name), "'none'", name)
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
  }
  assert.equal((await api.get('/v1/roles')).headers['content-security-policy'], undefined)
})

const preflight = (origin: string, url = '/v1/users') => ({
  method: 'OPTIONS' as const,
  url,
  headers: {
    ...{ origin, authorization: NO_TOKEN, 'access-control-request-method': 'PATCH' },
    'access-control-request-headers': 'authorization,content-type',
  },
})
const corsOf = (headers: Record<string, unknown>) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'))

test('browsers are told nothing of other origins, unless somebody has named them', async () => {
  for (const origin of [OURS, 'null', 'http://localhost']) {
    const asked = await service.app.inject(preflight(origin))
    assert.equal(asked.statusCode, 405)
    const read = await api.get('/v1/roles', { origin })
    assert.equal(read.statusCode, 200)
    for (const { headers } of [asked, read]) assert.deepEqual([corsOf(headers), headers.vary], [[], undefined])
  }
})

test('pages of a named origin may ask, of no other, and only the API', async (context) => {
  const t = lastFirst(context)
  const open = await startService({
    worker: false,
    environment: { CORS_ORIGINS: `https://a.example,${OURS}`, RATE_LIMIT_READS: '10' },
  })
  t.after(open.close)
  const before = await open.app.inject(preflight(OURS))
  assert.equal(before.statusCode, 204)
  assert.equal(before.headers['access-control-allow-origin'], OURS)
  assert.equal(before.headers['access-control-allow-methods'], 'DELETE, GET, HEAD, PATCH, POST, PUT')
  const headers = String(before.headers['access-control-allow-headers']).split(', ')
  for (const name of ['authorization', 'content-type', 'if-match', 'idempotency-key', 'min-version'])
    assert.ok(headers.includes(name), name)
  assert.equal(before.headers['access-control-allow-credentials'], undefined)
  assert.equal(before.headers['access-control-max-age'], '600')
  for (const url of ['/v1/roles', '/v1/users/777777', '/v1/nowhere']) {
    const read = await open.app.inject({ url, headers: { origin: OURS } })
    assert.equal(read.headers['access-control-allow-origin'], OURS, url)
    assert.match(String(read.headers['access-control-expose-headers']), /\betag\b.*\bratelimit\b.*\bretry-after\b/)
    assert.equal(read.headers.vary, 'origin')
  }
  // Also what was refused, or the page could not tell why.
  const refused = await open.app.inject({ url: '/v1/roles', headers: { origin: OURS, authorization: NO_TOKEN } })
  assert.deepEqual([refused.statusCode, refused.headers['access-control-allow-origin']], [401, OURS])
  for (const origin of [
    THEIRS,
    'null',
    `${OURS}.evil.example`,
    `${OURS}:8443`,
    'http://hr.example.com',
    OURS.toUpperCase(),
  ]) {
    const asked = await open.app.inject(preflight(origin))
    assert.deepEqual([asked.statusCode, corsOf(asked.headers)], [405, []], origin)
    const read = await open.app.inject({ url: '/v1/roles', headers: { origin } })
    assert.deepEqual([read.statusCode, corsOf(read.headers), read.headers.vary], [200, [], 'origin'], origin)
  }
  for (const url of ['/health/live', '/docs', '/docs/json']) {
    assert.deepEqual(corsOf((await open.app.inject({ url, headers: { origin: OURS } })).headers), [], url)
    assert.deepEqual(corsOf((await open.app.inject(preflight(OURS, url))).headers), [], url)
  }
})

test('a preflight to the legacy application is the legacy application’s', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const front = await startFront(t, legacy.url, { worker: false, environment: { CORS_ORIGINS: OURS } })
  const passed = await exchange(
    Number(new URL(front.base).port),
    `OPTIONS /old HTTP/1.1\r\nHost: x\r\nOrigin: ${OURS}\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n\r\n`,
  )
  assert.match(passed, /answered-by: legacy/i)
  assert.doesNotMatch(passed, /access-control/i)
  assert.deepEqual(legacy.asked, ['OPTIONS /old'])
})
