import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import type { Owner } from '../contract/rig.ts'
import { answerWith, startLegacy, wellBehaved } from '../strangler/rig.ts'
import { startTestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { type Asked, contextIn, linesOf, startNotedNeighbours } from './others.ts'
import { startProcess } from './process.ts'
import { AGENTS, type Collector, type Told } from './told.ts'

const SEEDED = '40'
/** Of somebody who may not be found in anything that is sent. */
const PERSON = {
  ...{ username: 'zz.markedname', givenName: 'Markedgiven', familyName: 'Markedfamily' },
  ...{ email: 'markedmail@example.com', phone: '+1 212 555 0177', employeeNumber: 'E-MARKED-7' },
}
/** A machine that runs tests is late at times: neither Redis nor the neighbours count as gone for that. */
const PATIENT = {
  ...{ REDIS_READ_DEADLINE_MS: '10000', PROFILE_DEADLINE_MS: '10000' },
  ...{ BRANCHES_CALL_MS: '10000', BRANCHES_ATTEMPT_MS: '10000', PEOPLE_CALL_MS: '10000', PEOPLE_ATTEMPT_MS: '10000' },
}
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const FROM = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: 'vendor=theirs' }
const HOT = 'GET /v1/users/:userId'

type Ask = Awaited<ReturnType<Awaited<ReturnType<typeof startProcess>>['serving']>>
type Rig = {
  collector: Collector
  neighbours: Asked[]
  legacy: Asked[]
  files: string[]
  code: unknown
  token: string
  userId: number
}

/** One service, asked everything that the tests look for, and ended; so all that it had to tell was told. */
async function told(t: Owner, agent: keyof typeof AGENTS): Promise<Rig> {
  const [collector, redis, neighbours] = await Promise.all([
    AGENTS[agent](t),
    startTestRedis(),
    startNotedNeighbours(t),
  ])
  t.after(redis.stop)
  const legacy: Asked[] = []
  const { url } = await startLegacy(t, (request, response) => {
    legacy.push({ url: request.url ?? '', lines: linesOf(request.rawHeaders) })
    if (request.url?.startsWith('/users/') === true) wellBehaved(request, response)
    else answerWith(response, {})
  })
  const process = await startProcess(t, ['all', '--seed-users', SEEDED], {
    ...{ REDIS_URL: redis.url, LEGACY_URL: url, TRACING_HOT_ONE_IN: '1', METRICS_PORT: '0' },
    ...{ ...PATIENT, ...neighbours.environment, ...collector.environment },
  })
  const service = await process.serving()
  const userId = await askAll(service, join(process.dir, 'data', 'users.db'))
  const { code, files } = await process.stop()
  return { collector, neighbours: neighbours.asked, legacy, files, code, token: service.token, userId }
}

async function askAll({ ask, send }: Ask, database: string): Promise<number> {
  const registered = await send('POST', '/v1/users', { ...PERSON, homeBranchId: 'B777' })
  assert.equal(registered.status, 201, registered.text)
  const { userId } = JSON.parse(registered.text)
  const path = `/v1/users/${userId}`
  await until(
    'the read models are built',
    async () => (await ask('/v1/users?limit=1')).headers.get('read-from') === 'redis',
  )
  await until('they are kept near', async () => (await ask(path)).headers.get('read-from') === 'near')
  assert.equal((await ask(`/v1/users/by-username/${PERSON.username}`)).status, 200)
  assert.equal((await ask(`${path}/profile`, { headers: FROM })).status, 200)
  assert.equal((await ask('/v1/users/999999')).status, 404)
  assert.equal((await send('PUT', `${path}/preferences/theme`, { value: 'markedvalue' })).status, 200)
  assert.equal((await ask(`${path}?username=${PERSON.username}`)).status, 400)
  // Of the legacy application: one that is nobody's, one in mode legacy, the same natively.
  assert.equal((await ask('/old/markedpath?q=markedquery', { headers: FROM })).status, 200)
  assert.equal((await ask(`/users/${userId}/`, { headers: FROM })).status, 200)
  assert.equal((await send('PUT', '/v1/strangler/routes/get-user', { mode: 'native', reason: 'test' })).status, 200)
  await until('it is native', async () => (await ask(`/users/${userId}/`)).headers.get('answered-by') === 'native')
  assert.equal((await ask('/health/ready')).status, 200)
  // A fault of ours: a table that is there no more.
  const sql = new DatabaseSync(database)
  sql.exec('ALTER TABLE user_audit RENAME TO elsewhere')
  sql.close()
  assert.equal((await ask(`${path}/history`)).status, 500)
  return userId
}

for (const agent of Object.keys(AGENTS) as (keyof typeof AGENTS)[]) {
  describe(`what ${agent} is told`, () => {
    let rig: Rig
    const of = (name: string): Told[] => rig.collector.told().filter((one) => one.name === name)
    const only = (name: string, which: (one: Told) => boolean = () => true): Told => {
      const found = of(name).filter(which)
      assert.equal(found.length, 1, `${name}: ${JSON.stringify(rig.collector.told().map((one) => one.name))}`)
      return found[0] as Told
    }

    const cleanups: (() => unknown)[] = []
    before(async () => {
      rig = await told({ after: (cleanup) => cleanups.push(cleanup) }, agent)
    })
    after(async () => {
      for (const cleanup of cleanups.reverse()) await cleanup()
    })

    test('is sent before the process ends, which ends well, and writes no file', () => {
      assert.equal(rig.code, 0)
      assert.deepEqual(rig.files, [])
      assert.ok(rig.collector.told().length > 0)
    })

    test('names requests by their routes, and says where they were read', () => {
      const hot = of(HOT)
      assert.ok(hot.some(({ attributes }) => attributes.readFrom === 'near' && attributes.hotOneIn === 1))
      assert.ok(of('GET /v1/users').some(({ attributes }) => attributes.readFrom === 'redis'))
      assert.equal(only('GET /v1/users/:userId/profile').attributes.degraded, 'no')
      only('PUT /v1/users/:userId/preferences/:key')
      only('POST /v1/users')
    })

    test('says of the legacy application’s routes which they are, in which mode, and who answered', () => {
      only('legacy application')
      const byMode = (mode: string) => (one: Told) => one.attributes.stranglerMode === mode
      assert.equal(of('legacy get-user').find(byMode('legacy'))?.attributes.answeredBy, 'legacy')
      assert.equal(of('legacy get-user').find(byMode('native'))?.attributes.answeredBy, 'native')
    })

    test('is what workers do: batches of changes with their sizes, and jobs', () => {
      const batches = of('projector/changes')
      assert.ok(batches.length > 0 && batches.every(({ attributes }) => Number(attributes.items) > 0))
      assert.ok(of('job/rebuild').length > 0)
    })

    test('is what they are made of: statements by kind, scripts and neighbours by name', () => {
      const { parts } = rig.collector
      const write = parts('PUT /v1/users/:userId/preferences/:key')
      for (const part of ['database transaction', 'database execute update', 'redis script fence-4'])
        assert.ok(write.includes(part), `${part}: ${write}`)
      const profile = parts('GET /v1/users/:userId/profile')
      assert.ok(profile.includes('neighbour branches-service branches'), String(profile))
      assert.ok(profile.includes('neighbour people-service employment'), String(profile))
      assert.ok(parts('legacy application').includes('neighbour legacy'))
      assert.ok(parts('projector/changes').includes('redis script apply-n'))
      // They may have millions.
      assert.deepEqual(parts('job/rebuild'), [])
    })

    test('are errors: those that were to be expected marked so, by their codes', () => {
      const missing = of(HOT).flatMap(({ faults }) => faults)
      assert.ok(missing.some(({ code, expected }) => code === 'user-not-found' && expected === true))
      assert.ok(missing.some(({ code, expected }) => code === 'invalid-request' && expected === true))
      assert.deepEqual(only('GET /v1/users/:userId/history').faults, [{ code: 'SqlError', expected: false }])
    })

    test('goes on with the caller’s trace, and calls show it in turn, once', () => {
      assert.equal(only('GET /v1/users/:userId/profile').traceId, TRACE)
      assert.equal(only('legacy application').traceId, TRACE)
      const shown = [...rig.neighbours, ...rig.legacy.filter(({ url }) => url.startsWith('/old/'))].map(contextIn)
      assert.ok(shown.length >= 3, `${shown.length} calls`)
      for (const { traceparent, tracestate, newrelic } of shown) {
        assert.equal(traceparent.length, 1, String(traceparent))
        assert.match(traceparent[0] ?? '', new RegExp(`^00-${TRACE}-(?!00f067aa0ba902b7)[\\da-f]{16}-01$`))
        assert.equal(tracestate.length, 1)
        assert.match(tracestate[0] ?? '', /vendor=theirs/)
        assert.deepEqual(newrelic, [])
      }
    })

    test('is nothing of probes', () => {
      const names = rig.collector.told().map(({ name }) => name)
      assert.deepEqual(
        names.filter((name) => /health|metrics/.test(name)),
        [],
      )
    })

    test('holds nobody’s data: no name, mail, token, query, path, id or message', () => {
      const text = rig.collector.text()
      const marks = [...Object.values(PERSON), rig.token, rig.token.split('.')[2] ?? '', 'markedvalue', 'markedquery']
      for (const mark of [...marks, 'markedpath', 'marked', 'no such table', 'user_audit', 'select * ', 'where ']) {
        assert.equal(text.toLowerCase().includes(mark.toLowerCase()), false, mark)
      }
      for (const path of [`/users/${rig.userId}`, '/users/999999', `user:${rig.userId}`, `{${rig.userId}}`]) {
        assert.equal(text.includes(path), false, path)
      }
    })
  })
}
