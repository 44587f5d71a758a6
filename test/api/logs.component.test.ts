import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { wireApi } from '../../src/wiring.ts'
import { startWorkers } from '../../src/wiring-workers.ts'
import { asking } from '../support/authorised.ts'
import { startTestRedis } from '../support/redis.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { type Api, apiClient } from './client.ts'

type Line = {
  level: number
  msg: string
  requestId?: string
  method?: string
  route?: string
  status?: number
  code?: string
}

let service: TestService
let app: FastifyInstance
let api: Api
const lines: Line[] = []
const stops: (() => Promise<unknown>)[] = []
before(async () => {
  service = await startService({ worker: false })
  // Everything, down to what nobody would switch on in production.
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const wired = await wireApi(service.config, log)
  const worker = await startWorkers(service.config, log, ['project', 'jobs'])
  app = asking(await buildApp({ ...wired, http: service.config.http, log }), service.token)
  stops.push(
    () => app.close(),
    () => worker.stop(),
    () => wired.close(),
  )
  api = await apiClient(app)
  await built()
})
const built = () => until('built', async () => (await app.inject('/v1/users')).headers['read-from'] === 'redis')
after(async () => {
  for (const stop of stops) await stop()
  await service?.close()
})

/** Whatever of a person is sent in these tests has one of these words in it. */
const PERSONAL = /Marker|marker|%4d|555 01 99/i
const PERSON = {
  username: 'marker.name',
  givenName: 'Markergiven',
  familyName: 'Markerfamily',
  email: 'marker@example.com',
  phone: '+48 555 01 99',
  jobTitle: 'Markerjob',
  employeeNumber: 'E-Marker',
}
/** Whatever a test has made somebody log. */
afterEach(() => {
  for (const line of lines) assert.doesNotMatch(JSON.stringify(line), PERSONAL)
})
const ofRequest = (id: string) => lines.filter(({ requestId }) => requestId === id)

test('each command, and each failure, is one line with request id, route and status, and nothing of the person', async () => {
  const headers = { 'x-request-id': 'log-1' }
  const registered = await api.post('/v1/users', PERSON, headers)
  assert.equal(registered.statusCode, 201)
  const path = `/v1/users/${registered.json().userId}`
  const rows: [asked: Parameters<Api['ask']>[0], route: string, status: number][] = [
    [{ method: 'PATCH', url: path, body: { familyName: 'Markernew' } }, '/v1/users/:userId', 200],
    [{ method: 'PATCH', url: path, body: { email: 'marker at home' } }, '/v1/users/:userId', 400],
    [{ method: 'PATCH', url: path, raw: '{"email":"Marker' }, '/v1/users/:userId', 400],
    [{ method: 'PATCH', url: path, body: { Marker: 'Marker' } }, '/v1/users/:userId', 400],
    [{ method: 'POST', url: '/v1/users', body: PERSON }, '/v1/users', 409],
    [
      { method: 'PUT', url: `${path}/preferences/a`, body: { value: 'Marker' } },
      '/v1/users/:userId/preferences/:key',
      200,
    ],
    [{ method: 'POST', url: '/v1/users/by-username/marker.name' }, '/v1/users/by-username/:username', 405],
    [{ method: 'POST', url: `${path}/terminate?name=Marker` }, '/v1/users/:userId/terminate', 400],
    [{ method: 'POST', url: `${path}/terminate` }, '/v1/users/:userId/terminate', 200],
    [
      { method: 'PUT', url: `${path}/preferences/b`, body: { value: 'Marker' } },
      '/v1/users/:userId/preferences/:key',
      409,
    ],
  ]
  for (const [i, [asked, route, status]] of rows.entries()) {
    const id = `log-row-${i}`
    const answer = await api.ask({ ...asked, headers: { 'x-request-id': id } })
    assert.equal(answer.statusCode, status, answer.body)
    const [line, ...more] = await until('the line', async () => ofRequest(id).length > 0 && ofRequest(id))
    assert.deepEqual(more, [])
    assert.deepEqual(
      [line?.msg, line?.method, line?.route, line?.status, line?.level],
      ['answered', asked.method, route, status, 30],
    )
  }
  assert.equal(ofRequest('log-1').length, 1)
  assert.ok(lines.length > rows.length)
  // The words are really those that the data holds.
  assert.match(JSON.stringify(await service.query('SELECT * FROM users')), PERSONAL)
})

test('reads are lines at debug, by their route: neither path nor query, which may hold names', async () => {
  const userId = await api.somebody({ ...PERSON, username: 'marker.read' })
  const reads = ['/v1/users/by-username/marker.read', '/v1/users?q=Markerfamily', `/v1/users?ids=${userId}`]
  for (const [i, url] of reads.entries()) {
    await api.get(url, { 'x-request-id': `log-read-${i}` })
    const [line] = await until(
      'the line',
      async () => ofRequest(`log-read-${i}`).length > 0 && ofRequest(`log-read-${i}`),
    )
    assert.equal(line?.level, 20)
  }
  for (const url of [
    '/v1/nothing/Marker',
    '/v1/users/by-username/Marker%zz',
    `/v1/users/by-username/${'Marker'.repeat(300)}`,
  ])
    await api.get(url)
})

test('a fault is one error with the request id and a stack, and the answer tells nothing of it', async (t) => {
  await api.somebody({ ...PERSON, username: 'marker.second' })
  await service.database.rename('user_audit', 'user_audit_away')
  t.after(() => service.database.rename('user_audit_away', 'user_audit'))
  // Not through the client, which takes no 500 at all.
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/users',
    headers: { 'x-request-id': 'log-fault' },
    payload: { ...PERSON, username: 'marker.third' },
  })
  assert.equal(answer.statusCode, 500)
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  const { code, requestId } = answer.json()
  assert.deepEqual([code, requestId], ['internal-error', 'log-fault'])
  assert.doesNotMatch(answer.body, /audit|sql|table|\bat\b|\.ts/i)
  const [fault, ...more] = ofRequest('log-fault').filter(({ level }) => level >= 50)
  assert.deepEqual([fault?.msg, more], ['request failed', []])
  assert.match(JSON.stringify(fault), /(no such table|SQLSTATE 42X05).* at /s)
  assert.equal((await service.query("SELECT user_id FROM users WHERE username = 'marker.third'")).length, 0)
})

test('a refusal that is not the caller’s fault is a warning with the request id and the code', async (t) => {
  await service.redis.stop()
  t.after(async () => {
    const again = await startTestRedis({ port: service.redis.port })
    stops.push(again.stop)
    await built()
  })
  await until('Redis is away', async () => {
    const id = `log-away-${lines.length}`
    const answer = await api.get('/v1/users?q=Marker', { 'x-request-id': id })
    if (answer.statusCode !== 503) return false
    const warned = ofRequest(id).find(({ level }) => level === 40)
    assert.deepEqual([warned?.msg, warned?.code], ['not answered', 'search-unavailable'])
    return true
  })
})
