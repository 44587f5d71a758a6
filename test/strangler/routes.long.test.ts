import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { bucketOf } from '../../src/domain/strangler.ts'
import { lastFirst } from '../contract/rig.ts'
import { startTestRedis } from '../support/redis.ts'
import { quiet, until } from '../support/service.ts'
import { addUsers, anotherReplica, answerWith, legacyUser, listen, startFront, startLegacy } from './rig.ts'

const CANARY = (percent: number) => ({ mode: 'canary', percent })
/** What is promised is a second. */
const LEARNED_WITHIN_MS = 2_000

test('what is not ours is the legacy application’s; what is beneath our own paths never is', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { ask } = await startFront(t, legacy.url, { worker: false })
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/orders/?a=b'],
    ['PROPFIND', '/users/1/'],
    ['DELETE', '/users/1/'],
    ['GET', '/users/1'],
    ['GET', '/%zz'],
    ['GET', `/users/by-username/${'x'.repeat(1_500)}/`],
    ['GET', '/v1x'],
    ['GET', '/healthy'],
  ] as const) {
    const answer = await ask(path, { method })
    assert.deepEqual([answer.status, answer.by, answer.json()], [200, 'legacy', { legacy: `${method} ${path}` }])
  }
  const passedOn = legacy.asked.length
  for (const path of ['/v1', '/v1/', '/v1/none', '/v1?x', '/docs/none', '/health/none', '/health']) {
    const answer = await ask(path)
    assert.deepEqual([answer.status, answer.by, answer.json().code], [404, null, 'not-found'], path)
  }
  assert.equal((await ask('/v1/users/1/none', { method: 'PUT' })).status, 404)
  assert.equal((await ask('/v1/users', { method: 'DELETE' })).status, 405)
  assert.equal(legacy.asked.length, passedOn)
})

test('without a legacy application what is not native is not found', async (context) => {
  const t = lastFirst(context)
  const { service, ask, set } = await startFront(t, null)
  await addUsers(service, 1)
  for (const mode of [null, { mode: 'shadow' }, { mode: 'legacy' }]) {
    if (mode) await set('get-user', mode)
    for (const path of ['/', '/users/1/', '/users/x/']) {
      const answer = await ask(path)
      assert.deepEqual([answer.status, answer.json().code], [404, 'not-found'], path)
    }
  }
  await set('get-user', { mode: 'native' })
  const answer = await ask('/users/1/')
  assert.deepEqual([answer.status, answer.by, answer.json()], [200, 'native', legacyUser(1)])
  assert.equal((await ask('/users/x/')).status, 404)
})

test('each mode answers by whom it says: at once here, within a second in other replicas, and it is audited', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask, set, send, routeOf } = await startFront(t, legacy.url)
  const other = await anotherReplica(t, service)
  await addUsers(service, 1)
  for (const [mode, by] of [
    [{ mode: 'shadow' }, 'legacy'],
    [CANARY(100), 'native'],
    [{ mode: 'native' }, 'native'],
    [{ mode: 'legacy' }, 'legacy'],
  ] as const) {
    const { setting } = await set('get-user', mode, `to ${mode.mode}`)
    assert.deepEqual({ ...setting, at: '' }, { ...mode, reason: `to ${mode.mode}`, by: 'tester', at: '' })
    const answer = await ask('/users/1/')
    assert.deepEqual([answer.status, answer.by, answer.json()], [200, by, legacyUser(1)])
    await until('the other learns', async () => (await other.ask('/users/1/')).by === by, LEARNED_WITHIN_MS)
    assert.deepEqual((await routeOf('get-user')).setting, setting)
  }
  await send('DELETE', '/v1/strangler/routes/get-user')
  assert.equal((await routeOf('get-user')).setting, null)
  const rows = await service.query('SELECT entity, entity_id, event_type, event FROM user_audit ORDER BY audit_id')
  assert.deepEqual(
    rows.map(({ event, ...row }) => [...Object.values(row), JSON.parse(String(event)).mode]),
    [
      ...['shadow', 'canary', 'native', 'legacy'].map((mode) => ['route', 'get-user', 'route-set', mode]),
      ['route', 'get-user', 'route-reset', undefined],
    ],
  )
})

test('a file says with which modes routes start', async (context) => {
  const t = lastFirst(context)
  const dir = await mkdtemp(join(tmpdir(), 'users-service-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'modes.json')
  const legacy = await startLegacy(t)
  await writeFile(file, '{"get-user": "native"}')
  const { service, ask, set, send } = await startFront(t, legacy.url, { environment: { STRANGLER_MODES: file } })
  await addUsers(service, 1)
  assert.equal((await ask('/users/1/')).by, 'native')
  await set('get-user', { mode: 'legacy' })
  assert.equal((await ask('/users/1/')).by, 'legacy')
  await send('DELETE', '/v1/strangler/routes/get-user')
  assert.equal((await ask('/users/1/')).by, 'native')
  await writeFile(file, '{"get-nobody": "native"}')
  await assert.rejects(
    startFront(t, legacy.url, { environment: { STRANGLER_MODES: file } }),
    /STRANGLER_MODES: there is no route "get-nobody"/,
  )
})

test('a canary answers its share of the users, always the same ones', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask, set } = await startFront(t, legacy.url)
  await addUsers(service, 60)
  for (const percent of [25, 50]) {
    await set('get-user', CANARY(percent))
    for (let id = 1; id <= 60; id += 1) {
      const expected = bucketOf(String(id)) < percent * 100 ? 'native' : 'legacy'
      assert.equal((await ask(`/users/${id}/`)).by, expected, `user ${id} at ${percent} %`)
    }
  }
})

test('what we do not understand is the legacy application’s also in native mode; HEAD is as GET', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask, set } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  await set('get-user', { mode: 'native' })
  for (const path of ['/users/01/', '/users/x/', '/users/1/?format=xml', '/users/1'])
    assert.equal((await ask(path)).by, 'legacy', path)
  const head = await ask('/users/1/', { method: 'HEAD' })
  const get = await ask('/users/1/')
  assert.deepEqual([head.status, head.by, head.text], [200, 'native', ''])
  assert.equal(head.headers.get('content-length'), get.headers.get('content-length'))
})

/** The service, with an answer of its own that fails. */
async function startFailing(t: ReturnType<typeof lastFirst>, legacyUrl: string, error: () => Error) {
  const { service, set } = await startFront(t, legacyUrl)
  await addUsers(service, 1)
  const { strangler } = service.api
  const routes = strangler.routes.map((route) => ({
    ...route,
    answer: async () => {
      throw error()
    },
  }))
  const app = await buildApp({
    ...service.api,
    strangler: { ...strangler, routes },
    http: service.config.http,
    log: quiet,
  })
  t.after(() => app.close())
  const { ask } = await listen(app, service.token)
  return { set, ask }
}

test('what fails here is answered by the legacy application in a canary of reads, and by nobody else elsewhere', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const down = () => new DomainError('database-unavailable', 'It does not answer.')
  const { set, ask } = await startFailing(t, legacy.url, down)
  await set('get-user', CANARY(100))
  const saved = await ask('/users/1/')
  assert.deepEqual([saved.status, saved.headers.get('answered-by'), await saved.json()], [200, 'legacy', legacyUser(1)])
  await set('get-user', { mode: 'native' })
  const failed = await ask('/users/1/')
  assert.deepEqual([failed.status, failed.headers.get('answered-by')], [503, 'native'])
  assert.equal(failed.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  await set('change-user', CANARY(100))
  const write = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"title":"x"}' }
  const before = legacy.asked.length
  assert.equal((await ask('/users/1/', write)).status, 503)
  assert.equal(legacy.asked.length, before, 'it may have been done: nobody else does it as well')
})

test('a refusal of ours is no failure', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { set, ask } = await startFailing(t, legacy.url, () => new DomainError('user-terminated', 'No more.'))
  await set('get-user', CANARY(100))
  const refused = await ask('/users/1/')
  assert.deepEqual([refused.status, refused.headers.get('answered-by')], [409, 'native'])
})

test('a canary that fails is set back by itself within seconds, and says why', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask, set, routeOf } = await startFront(t, legacy.url)
  const other = await anotherReplica(t, service)
  await addUsers(service, 1)
  // Another answer than ours, each time: a difference that stays.
  legacy.answerBy((_request, response) => answerWith(response, { ...legacyUser(1), title: 'Duke' }))
  await set('get-user', CANARY(100))
  await until('it is set back', async () => (await ask('/users/1/')).by === 'legacy', 20_000)
  const { mode, setting, evidence } = await routeOf('get-user')
  assert.deepEqual([mode, setting.by], ['legacy', 'parachute'])
  assert.ok(evidence.paths['/title'] >= 3, 'what it was judged by is still shown')
  assert.match(setting.reason, /of the answers that were compared differ/)
  await until('everywhere', async () => (await other.ask('/users/1/')).by === 'legacy', LEARNED_WITHIN_MS)
  const rows = await service.query("SELECT actor FROM user_audit WHERE event_type = 'route-set' ORDER BY audit_id")
  assert.deepEqual(
    rows.map(({ actor }) => actor),
    ['tester', 'parachute'],
  )
})

test('shadow: the client gets the legacy answer, and what differs is found, where, and masked', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask, set, routeOf } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  await set('get-user', { mode: 'shadow' })
  await ask('/users/1/')
  await until('it is compared', async () => (await routeOf('get-user')).evidence?.compared.equal === 1)
  legacy.answerBy((_request, response) => answerWith(response, { ...legacyUser(1), last_name: 'Mountbatten' }))
  const answer = await ask('/users/1/')
  assert.deepEqual([answer.by, answer.json().last_name], ['legacy', 'Mountbatten'])
  const { evidence } = await until('it is found', async () => {
    const route = await routeOf('get-user')
    return route.evidence?.compared.mismatch === 1 && route
  })
  assert.deepEqual(evidence.paths, { '/last_name': 1 })
  const [sample] = evidence.samples
  assert.deepEqual(
    [sample.answeredBy, sample.differences],
    ['legacy', [{ path: '/last_name', legacy: sample.differences[0].legacy, native: sample.differences[0].native }]],
  )
  assert.ok(!JSON.stringify(evidence.samples).includes('Mountbatten'), JSON.stringify(sample))
  assert.deepEqual([evidence.legacy.requests, evidence.native.requests], [2, 0])
})

test('without Redis the modes hold, and are changed all the same', async (context) => {
  const t = lastFirst(context)
  const redis = await startTestRedis()
  t.after(redis.stop)
  const legacy = await startLegacy(t)
  const { service, ask, set, routeOf } = await startFront(t, legacy.url, { redis })
  const other = await anotherReplica(t, service)
  await addUsers(service, 1)
  await set('get-user', { mode: 'native' })
  await redis.stop()
  assert.equal((await ask('/users/1/')).by, 'native')
  await set('get-user', { mode: 'legacy' })
  assert.equal((await ask('/users/1/')).by, 'legacy')
  await until('the other learns', async () => (await other.ask('/users/1/')).by === 'legacy', LEARNED_WITHIN_MS)
  assert.deepEqual([(await routeOf('get-user')).mode, (await routeOf('get-user')).evidence], ['legacy', null])
})

test('a taken-over write goes through the command: audited, visible at once; a slow body is refused in its time', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, send, ask, set } = await startFront(t, legacy.url, { environment: { REQUEST_TIMEOUT_MS: '300' } })
  await addUsers(service, 1)
  const passedOn = await send('PATCH', '/users/1/', { title: 'Clerk' })
  assert.equal(passedOn.by, 'legacy')
  await set('change-user', { mode: 'native' })
  const changed = await send('PATCH', '/users/1/', { title: 'Clerk' })
  assert.deepEqual([changed.status, changed.by, changed.json().title], [200, 'native', 'Clerk'])
  assert.equal(changed.headers.get('content-type'), 'application/json', 'as the legacy application says it')
  for (const body of ['{"title":"', '', '\xff']) {
    const headers = { 'content-type': 'application/json' }
    const refused = await ask('/users/1/', { method: 'PATCH', headers, body })
    assert.deepEqual([refused.status, refused.by, refused.json()], [400, 'native', { detail: 'JSON parse error.' }])
  }
  const large = await send('PATCH', '/users/1/', { title: 'Clerk', more: 'x'.repeat(200_000) })
  assert.equal(large.status, 200)
  assert.equal((await ask('/v1/users/1')).json().jobTitle, 'Clerk')
  const [row] = await service.query("SELECT actor, event_type FROM user_audit WHERE entity = 'user'")
  assert.deepEqual([row?.event_type, row?.actor], ['details-changed', 'tester'])
})

test('a legacy application that is down is 502, and ours goes on', async (context) => {
  const t = lastFirst(context)
  const { service, ask, set } = await startFront(t, 'http://127.0.0.1:9')
  await addUsers(service, 1)
  const answer = await ask('/anything')
  assert.deepEqual([answer.status, answer.json().code], [502, 'legacy-unreachable'])
  assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  await set('get-user', { mode: 'native' })
  assert.equal((await ask('/users/1/')).status, 200)
})
