import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { wireApi } from '../../src/wiring.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { asking, NO_TOKEN } from '../support/authorised.ts'
import { exchange, parseAnswer } from '../support/raw-http.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { bearer, developmentToken } from '../support/tokens.ts'
import { apiClient } from './client.ts'

const LIMITS = { RATE_LIMIT_READS: '5', RATE_LIMIT_SEARCHES: '3', RATE_LIMIT_WRITES: '4', RATE_LIMIT_REFUSALS: '6' }

async function limited(t: Owner, environment: Record<string, string> = {}) {
  const service = await startService({ worker: false, environment: { ...LIMITS, ...environment } })
  t.after(service.close)
  const refused = async () => {
    const text = await service.api.metrics.metrics()
    const counts = text.matchAll(/users_requests_refused_total{reason="([a-z-]+)"} ([1-9]\d*)/g)
    return Object.fromEntries([...counts].map(([, reason, count]) => [reason, Number(count)]))
  }
  return { service, refused, api: await apiClient(service.app) }
}
const told = ({ headers }: { headers: Record<string, unknown> }) => [
  String(headers.ratelimit).replace(/t=\d+$/, 't'),
  headers['ratelimit-policy'],
]

test('each class of requests is counted by itself, told of, and refused beyond its limit', async (context) => {
  const { api, refused } = await limited(lastFirst(context))
  const READ = '"read";q=5;w=60'
  for (const remaining of [4, 3, 2, 1, 0]) {
    const answer = await api.get('/v1/roles')
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(told(answer), [`"read";r=${remaining};t`, READ])
  }
  const beyond = await api.get('/v1/users/1')
  assert.equal(beyond.statusCode, 429)
  assert.equal(beyond.json().code, 'too-many-requests')
  assert.deepEqual(told(beyond), ['"read";r=0;t', READ])
  // RFC 9110 section 10.2.3, and not earlier than the header says that there are more.
  const waitS = Number(beyond.headers['retry-after'])
  assert.ok(waitS >= 1 && waitS <= 60)
  assert.equal(Number(/t=(\d+)$/.exec(String(beyond.headers.ratelimit))?.[1]), waitS)
  for (const status of [200, 200, 200, 429]) assert.equal((await api.get('/v1/users')).statusCode, status)
  for (let i = 0; i < 4; i += 1) await api.somebody()
  const write = await api.post('/v1/users', {})
  assert.equal(write.statusCode, 429)
  assert.deepEqual(told(write), ['"write";r=0;t', '"write";q=4;w=60'])
  assert.equal((await api.get('/health/live')).headers.ratelimit, undefined)
  assert.deepEqual(await refused(), { 'rate-read': 1, 'rate-search': 1, 'rate-write': 1 })
})

test('nobody has less because of what another asks', async (context) => {
  const { service, api } = await limited(lastFirst(context))
  for (let i = 0; i < 6; i += 1) await api.get('/v1/roles')
  const other = await developmentToken(service.config, { subject: 'another' })
  const answer = await api.get('/v1/roles', { authorization: bearer(other) })
  assert.deepEqual([answer.statusCode, ...told(answer)], [200, '"read";r=4;t', '"read";q=5;w=60'])
  // The same caller, with another token.
  const again = await developmentToken(service.config, { expiresInS: 100 })
  assert.equal((await api.get('/v1/roles', { authorization: bearer(again) })).statusCode, 429)
})

test('what is refused for want of a scope is counted as a read, whatever it was, and ends as reads do', async (context) => {
  const { service, api, refused } = await limited(lastFirst(context))
  const reader = await developmentToken(service.config, { scopes: ['users:read'], subject: 'reader' })
  const headers = { authorization: bearer(reader) }
  for (const left of [4, 3, 2, 1, 0]) {
    const answer = await api.post('/v1/users', {}, headers)
    assert.equal(answer.statusCode, 403)
    assert.deepEqual(told(answer), [`"read";r=${left};t`, '"read";q=5;w=60'])
  }
  assert.equal((await api.post('/v1/users', {}, headers)).statusCode, 429)
  assert.equal((await api.get('/v1/roles', headers)).statusCode, 429)
  assert.equal((await api.put('/v1/roles/x', {})).statusCode, 400, 'nobody else has less, nor are there fewer writes')
  assert.deepEqual(await refused(), { 'rate-write': 1, 'rate-read': 1 })
})

test('an address that shows no token, or bad ones, is told to wait, while those it has shown before go on', async (context) => {
  const { service, api, refused } = await limited(lastFirst(context))
  assert.equal((await api.get('/v1/roles')).statusCode, 200)
  const bad = (i: number) => (i % 2 ? { authorization: `Bearer x${i}` } : { authorization: NO_TOKEN })
  for (let i = 0; i < 6; i += 1) assert.equal((await api.get('/v1/roles', bad(i))).statusCode, 401)
  for (let i = 6; i < 9; i += 1) {
    const answer = await api.get('/v1/roles', bad(i))
    assert.equal(answer.statusCode, 429)
    assert.match(String(answer.headers['retry-after']), /^[1-9]\d?$/)
  }
  const fresh = bearer(await developmentToken(service.config, { subject: 'fresh' }))
  assert.equal((await api.get('/v1/roles', { authorization: fresh })).statusCode, 429)
  assert.equal((await api.get('/v1/roles')).statusCode, 200)
  assert.deepEqual(await refused(), { 'bad-tokens': 4 })
})

test('replicas count commands together, and reads each by itself', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await limited(t)
  const wired = await wireApi(service.config, quiet)
  t.after(wired.close)
  const app = asking(await buildApp({ ...wired, http: service.config.http, log: quiet }), service.token)
  t.after(() => app.close())
  const other = await apiClient(app)
  const left = (answer: { headers: Record<string, unknown> }) => /r=(\d+)/.exec(String(answer.headers.ratelimit))?.[1]
  await until('they count together', async () => {
    const answers = [await api.put('/v1/roles/x', {}), await other.put('/v1/roles/x', {})]
    return answers.every(({ statusCode }) => statusCode === 429)
  })
  assert.deepEqual([left(await api.get('/v1/roles')), left(await other.get('/v1/roles'))], ['4', '4'])
})

/** Over a connection: what is injected passes the shortcut by. */
async function listening({ app }: TestService): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

test('the hot read is counted with all others, told of, and refused as they are', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await limited(t)
  const userId = await api.somebody()
  const port = await listening(service)
  const text = `GET /v1/users/${userId} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(service.token)}\r\n`
  // Anything that the shortcut does not know makes it the router's.
  const unusual = `${text}X-Unusual: yes\r\n`
  const seen: unknown[] = []
  for (const request of [text, unusual, text, text, unusual, text, unusual]) {
    const { status, headers } = parseAnswer(await exchange(port, `${request}Connection: close\r\n\r\n`))
    seen.push([status, /r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1], headers.get('ratelimit-policy')])
  }
  const policy = '"read";q=5;w=60'
  const answered = ['4', '3', '2', '1', '0'].map((left) => [200, left, policy])
  assert.deepEqual(seen, [...answered, [429, '0', policy], [429, '0', policy]])
})

test('what the hot read leaves to the router is counted once: of nobody, and without Redis', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await limited(t)
  const userId = await api.somebody()
  const port = await listening(service)
  const left = async (id: number) => {
    const text = `GET /v1/users/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(service.token)}\r\n`
    const { status, headers } = parseAnswer(await exchange(port, `${text}Connection: close\r\n\r\n`))
    return [status, headers.get('read-from'), /r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]]
  }
  assert.deepEqual(await left(userId + 1), [404, undefined, '4'])
  await service.redis.stop()
  for (const remaining of ['3', '2']) assert.deepEqual(await left(userId), [200, 'database', remaining])
})

test('without limits nothing is counted, told or refused', async (context) => {
  const none = { RATE_LIMIT_READS: '0', RATE_LIMIT_SEARCHES: '0', RATE_LIMIT_WRITES: '0', RATE_LIMIT_REFUSALS: '0' }
  const { api } = await limited(lastFirst(context), none)
  for (let i = 0; i < 10; i += 1) {
    for (const path of ['/v1/roles', '/v1/users']) {
      const { statusCode, headers } = await api.get(path)
      assert.deepEqual([statusCode, headers.ratelimit, headers['ratelimit-policy']], [200, undefined, undefined])
    }
    assert.equal((await api.get('/v1/roles', { authorization: 'Bearer x' })).statusCode, 401)
    assert.equal((await api.put('/v1/roles/x', {})).statusCode, 400)
  }
})
