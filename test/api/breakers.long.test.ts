import assert from 'node:assert/strict'
import { truncate } from 'node:fs/promises'
import { test } from 'node:test'
import { sqlSwitches } from '../../src/adapters/sql/switches.ts'
import { buildApp } from '../../src/app.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { Database } from '../../src/ports.ts'
import { wireApi } from '../../src/wiring.ts'
import { databasePath, openDatabase } from '../../src/wiring-database.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { asking } from '../support/authorised.ts'
import { startTestRedis } from '../support/redis.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { type Api, apiClient } from './client.ts'

const URL = '/v1/breakers/branches-service'
const FORCING = { forced: 'open', reason: 'Maintenance until 22:00' }
/** What is promised is a second. */
const LEARNED_WITHIN_MS = 2_000

/** Nothing is sent there: no profile is asked for. */
const NOBODY_THERE = 'http://127.0.0.1:9'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const ID = /^[0-9a-f]{8}-/

async function start(t: Owner, options: Parameters<typeof startService>[0] = {}) {
  const service = await startService({ worker: false, ...options })
  t.after(service.close)
  return { service, api: await apiClient(service.app) }
}

/** Another replica, on the same database and the same Redis. */
async function replicaOf(t: Owner, { config, token }: TestService): Promise<Api> {
  const wired = await wireApi(config, quiet)
  const app = asking(await buildApp({ ...wired, http: config.http, log: quiet }), token)
  t.after(async () => {
    await app.close()
    await wired.close()
  })
  return apiClient(app)
}

/** The overrides that a replica shows, by neighbour. */
async function overrides(
  api: Api,
): Promise<Record<string, { to: string; reason: string; by: string; at: string } | null>> {
  const answer = await api.get('/v1/breakers')
  assert.equal(answer.statusCode, 200, answer.body)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { breakers } = answer.json() as { breakers: { neighbour: string; forced: null }[] }
  return Object.fromEntries(breakers.map(({ neighbour, forced }) => [neighbour, forced]))
}
const NONE = { 'branches-service': null, 'people-service': null, legacy: null }

async function audit({ query }: TestService) {
  const rows = await query(
    'SELECT entity, entity_id, event_type, event, actor, request_id FROM user_audit ORDER BY audit_id',
  )
  return rows.map(({ event, ...row }) => ({ ...row, event: JSON.parse(String(event)) }))
}
const switches = ({ query }: TestService) => query('SELECT switch_name, setting FROM service_switches')

test('a breaker is forced and released: shown at once here, soon by other replicas, and audited', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await start(t)
  const other = await replicaOf(t, service)
  assert.deepEqual([await overrides(api), await overrides(other)], [NONE, NONE])

  const forced = await api.put(URL, FORCING, { 'x-request-id': 'forcing' })
  assert.equal(forced.statusCode, 200, forced.body)
  assert.equal(forced.headers['cache-control'], 'no-store')
  assert.equal(forced.headers.visibility, undefined)
  const override = forced.json().forced
  assert.deepEqual(forced.json(), {
    neighbour: 'branches-service',
    forced: { ...override, to: 'open', reason: FORCING.reason, by: 'tester' },
  })
  assert.deepEqual(await overrides(api), { ...NONE, 'branches-service': override })
  await until(
    'the other replica shows it',
    async () => (await overrides(other))['branches-service'] !== null,
    LEARNED_WITHIN_MS,
  )
  assert.deepEqual(await overrides(other), { ...NONE, 'branches-service': override })

  // Another replica releases it.
  const released = await other.del(URL, { 'x-request-id': 'releasing' })
  assert.deepEqual([released.statusCode, released.json()], [200, { neighbour: 'branches-service', forced: null }])
  assert.deepEqual(await overrides(other), NONE)
  await until(
    'the first replica shows it',
    async () => (await overrides(api))['branches-service'] === null,
    LEARNED_WITHIN_MS,
  )

  const entries = await audit(service)
  const common = { entity: 'breaker', entity_id: 'branches-service', actor: 'tester' }
  const { at } = override
  const event = { type: 'breaker-forced', neighbour: 'branches-service', ...FORCING, at }
  assert.deepEqual(entries[0], { ...common, event_type: 'breaker-forced', request_id: 'forcing', event })
  assert.deepEqual(
    { ...entries[1], event: { ...entries[1]?.event, at: '' } },
    {
      ...common,
      event_type: 'breaker-released',
      request_id: 'releasing',
      event: { type: 'breaker-released', neighbour: 'branches-service', at: '' },
    },
  )
  assert.deepEqual([entries.length, await switches(service)], [2, []])
})

test('what is forced is the state of the real breaker; a neighbour that nobody has placed has none', async (context) => {
  const t = lastFirst(context)
  const { api } = await start(t, { environment: { BRANCHES_URL: NOBODY_THERE } })
  const shown = async () => {
    const { breakers } = (await api.get('/v1/breakers')).json()
    return Object.fromEntries(breakers.map((each: { neighbour: string }) => [each.neighbour, each]))
  }
  const before = await shown()
  assert.deepEqual(before['people-service'], {
    neighbour: 'people-service',
    state: 'not-configured',
    forced: null,
    since: null,
  })
  assert.deepEqual([before['branches-service'].state, before['branches-service'].forced], ['closed', null])
  assert.match(before['branches-service'].since, TIME)
  await api.put(URL, FORCING)
  const { state, since, forced } = (await shown())['branches-service']
  assert.deepEqual([state, forced.to], ['open', 'open'])
  assert.match(since, TIME)
  await api.del(URL)
  assert.equal((await shown())['branches-service'].state, 'closed')
})

test('what is so already is 200 and stands in no audit; the other way, or another reason, does', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await start(t)
  assert.equal((await api.del(URL)).statusCode, 200)
  assert.equal((await audit(service)).length, 0)
  const first = await api.put(URL, FORCING)
  const again = await api.put(URL, FORCING)
  assert.deepEqual([again.statusCode, again.json()], [200, first.json()])
  assert.equal((await audit(service)).length, 1)
  for (const [i, body] of [
    { ...FORCING, forced: 'closed' },
    { forced: 'closed', reason: 'another' },
  ].entries()) {
    const { forced } = (await api.put(URL, body)).json()
    assert.deepEqual([forced.to, forced.reason], [body.forced, body.reason])
    assert.equal((await audit(service)).length, 2 + i)
  }
  // Not configured, and forced all the same: it is, once it is configured.
  assert.equal((await api.put('/v1/breakers/people-service', FORCING)).statusCode, 200)
  const { 'people-service': people, 'branches-service': branches } = await overrides(api)
  assert.deepEqual([people?.to, branches?.to], ['open', 'closed'])
})

test('an unknown neighbour is 404, a request at fault 400 that names the fault; nothing is written', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await start(t)
  for (const answer of [await api.put('/v1/breakers/none', FORCING), await api.del('/v1/breakers/none')]) {
    assert.deepEqual([answer.statusCode, answer.json().code], [404, 'neighbour-not-found'])
    assert.match(answer.json().requestId, ID)
  }
  const bad: [body: unknown, pointer: string][] = [
    [undefined, ''],
    [{ reason: 'x' }, '/forced'],
    [{ ...FORCING, forced: 'half-open' }, '/forced'],
    [{ forced: 'open' }, '/reason'],
    [{ ...FORCING, reason: '' }, '/reason'],
    [{ ...FORCING, reason: 'x'.repeat(256) }, '/reason'],
    [{ ...FORCING, until: '22:00' }, '/until'],
  ]
  for (const [body, pointer] of bad) {
    const answer = await api.put(URL, body)
    assert.equal(answer.statusCode, 400, answer.body)
    const { code, errors } = answer.json()
    assert.deepEqual(
      [code, errors.map((error: object) => ({ ...error, detail: '' }))],
      ['invalid-request', [{ in: 'body', pointer, detail: '' }]],
    )
  }
  assert.equal((await api.put('/v1/breakers/a_b', FORCING)).json().errors[0].pointer, '/neighbour')
  assert.equal((await api.get('/v1/breakers?state=open')).statusCode, 400)
  assert.deepEqual([await audit(service), await switches(service)], [[], []])
})

/** A database that is gone once something begins to be said to it. */
function goneAt(database: Database, beginning: string): Database {
  return {
    ...database,
    transaction: (work, how) =>
      database.transaction(
        (session) =>
          work({
            ...session,
            execute: async (sql, params) => {
              if (sql.startsWith(beginning)) throw new DomainError('database-unavailable', 'It does not answer.')
              return session.execute(sql, params)
            },
          }),
        how,
      ),
  }
}

test('a database that goes in the middle of it is 503, and nothing is half done', async (context) => {
  const t = lastFirst(context)
  const { service, api } = await start(t)
  await api.put('/v1/breakers/people-service', FORCING)
  const before = [await audit(service), await switches(service)]
  const { database, close } = openDatabase(service.config)
  t.after(close)
  const commands = { ...service.api.commands, switches: sqlSwitches(goneAt(database, 'INSERT INTO user_audit')) }
  const app = asking(await buildApp({ ...service.api, commands, http: service.config.http, log: quiet }), service.token)
  t.after(() => app.close())
  const cut = await apiClient(app)
  const asked = [
    await cut.put(URL, FORCING),
    await cut.put('/v1/breakers/people-service', { ...FORCING, forced: 'closed' }),
    await cut.del('/v1/breakers/people-service'),
  ]
  for (const answer of asked) assert.deepEqual([answer.statusCode, answer.json().code], [503, 'database-unavailable'])
  assert.deepEqual([await audit(service), await switches(service)], before)
  assert.equal((await overrides(api))['people-service']?.to, 'open')
})

// Over DRDA no file can be emptied.
const skip = process.env.TEST_DATABASE === 'drda'
test('a database that is lost is 503 for operators, and what was set last holds and is shown', {
  skip,
}, async (context) => {
  const t = lastFirst(context)
  const { service, api } = await start(t)
  await api.put(URL, FORCING)
  const held = await overrides(api)
  // Another program writes, so that nothing cached is current; then the files are emptied under everybody.
  await service.sql(`INSERT INTO roles (role, title, privileged) VALUES ('lost', 'Lost', 0)`)
  const path = databasePath(service.config)
  for (const file of [path, `${path}-wal`]) await truncate(file)
  for (const answer of [await api.put('/v1/breakers/people-service', FORCING), await api.del(URL)])
    assert.deepEqual([answer.statusCode, answer.json().code], [503, 'database-unavailable'])
  assert.deepEqual(await overrides(api), held)
})

test('what is committed and not yet in force here says so', async (context) => {
  const t = lastFirst(context)
  const { service } = await start(t)
  const { update } = service.api.commands.switches
  const late: typeof update = async (...asked) => ({ ...(await update(...asked)), visible: false })
  const commands = { ...service.api.commands, switches: { update: late } }
  const app = asking(await buildApp({ ...service.api, commands, http: service.config.http, log: quiet }), service.token)
  t.after(() => app.close())
  const api = await apiClient(app)
  for (const answer of [await api.put(URL, FORCING), await api.del(URL)])
    assert.deepEqual([answer.statusCode, answer.headers.visibility], [200, 'pending'])
})

test('without Redis a breaker is forced all the same, and the other replicas learn of it', async (context) => {
  const t = lastFirst(context)
  const redis = await startTestRedis()
  t.after(redis.stop)
  const { service, api } = await start(t, { redis })
  const other = await replicaOf(t, service)
  await redis.stop()
  const forced = await api.put(URL, FORCING)
  assert.deepEqual([forced.statusCode, forced.headers.visibility], [200, undefined], forced.body)
  await until(
    'the other replica shows it',
    async () => (await overrides(other))['branches-service'] !== null,
    LEARNED_WITHIN_MS,
  )
})
