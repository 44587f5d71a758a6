import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { startProcess } from '../kafka/rig.ts'
import { startLegacy } from '../strangler/rig.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'

const LIMIT_MS = 120_000
/**
 * How long a turn of its event loop is made to last, and what that is to be above of. With longer ones the near cache would be
 * off: it must be proved once a second that it is told of changes.
 */
const TURNS_MS = [60, 300, 0]
const SEARCHES_DELAY_MS = '25'
const DELAY_MS = '180'
const BUSY_LOOP = pathToFileURL(join(import.meta.dirname, 'busy-loop.ts')).href

type Line = { msg: string; shedding?: string; code?: string; address?: string; level: number }

/** A replica as a process of its own, whose event loop can be made late. */
async function startReplica(t: Owner, { environment, token }: TestService, more: Record<string, string>) {
  const replica = startProcess(t, ['serve'], {
    ...environment,
    ...{ PORT: '0', METRICS_PORT: '0', OVERLOAD_SEARCHES_DELAY_MS: SEARCHES_DELAY_MS, OVERLOAD_DELAY_MS: DELAY_MS },
    // Else what Redis answers would count as late, and be looked up in the database.
    ...{ REDIS_READ_DEADLINE_MS: '60000', REDIS_COMMAND_TIMEOUT_MS: '60000' },
    ...{ NODE_OPTIONS: `--import=${BUSY_LOOP}`, BUSY_TURNS_MS: TURNS_MS.join(), ...more },
  })
  await replica.says('"serving"')
  const lines = (): Line[] =>
    replica.said.out
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  const address = lines().find(({ msg }) => msg === 'serving')?.address ?? ''
  const ask = async (path: string, method = 'GET', body?: object) => {
    const headers = { authorization: bearer(token), ...(body ? { 'content-type': 'application/json' } : {}) }
    const init = body ? { method, headers, body: JSON.stringify(body) } : { method, headers }
    const answer = await fetch(address + path, { ...init, signal: AbortSignal.timeout(LIMIT_MS) })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }
  return { ...replica, lines, ask, later: () => replica.kill('SIGWINCH') }
}
type Replica = Awaited<ReturnType<typeof startReplica>>

async function metricsOf({ lines }: Replica) {
  const { address = '' } = lines().find(({ msg }) => msg.includes('metrics')) ?? {}
  const text = await (await fetch(`${address.replace(/\/metrics$/, '')}/metrics`)).text()
  return (name: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    )
}

test('an event loop that is late sheds searches first, then all but health and what lies in memory; and recovers', {
  timeout: LIMIT_MS,
}, async (context) => {
  const t = lastFirst(context)
  const service = await startService()
  t.after(service.close)
  const legacy = await startLegacy(t)
  const person = (username: string) => ({ username, givenName: 'Ann', familyName: 'Lee', homeBranchId: 'B001' })
  const add = async (username: string): Promise<number> =>
    (await service.app.inject({ method: 'POST', url: '/v1/users', payload: person(username) })).json().userId
  const [near, far, never] = [await add('near.one'), await add('far.one'), await add('never.asked')]
  await service.built()
  const replica = await startReplica(t, service, { LEGACY_URL: legacy.url })
  const { ask, lines, later } = replica
  const statuses = async (...paths: string[]) => Promise.all(paths.map(async (path) => (await ask(path)).status))
  const SEARCHES = ['/v1/users?limit=1', '/v1/branches/B001/users', `/v1/users/${near}/profile`]
  const READS = ['/v1/roles', `/v1/users/${far}/permissions`, '/v1/users/by-username/far.one']
  const HEALTH = ['/health/live', '/health/ready', '/health/consistency']

  await until('it keeps one near', async () => (await ask(`/v1/users/${near}`)).headers.get('read-from') === 'near')
  assert.deepEqual(await statuses(...SEARCHES, ...READS, ...HEALTH, '/docs', '/old'), Array(11).fill(200))

  later()
  await until('searches are refused', async () => (await ask('/v1/users?limit=1')).status === 503, LIMIT_MS)
  for (const path of SEARCHES) {
    const answer = await ask(path)
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [503, 'overloaded'], path)
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  }
  assert.deepEqual(await statuses(...READS, ...HEALTH, `/v1/users/${near}`, '/docs', '/old'), Array(9).fill(200))
  assert.equal((await ask('/v1/users', 'POST', person('during'))).status, 201)

  later()
  await until('all is refused', async () => (await ask('/v1/roles')).status === 503, LIMIT_MS)
  // First of all, for what lies there grows old. A loop that is late may miss a proof that it may be shown, and gets the next.
  await until('what lies in memory is given', async () => {
    const { status, headers } = await ask(`/v1/users/${near}`)
    return status === 200 && headers.get('read-from') === 'near'
  })
  // Whatever is asked of it, at once; and more than once, to see what is said of it.
  const asked = [...SEARCHES, ...READS, `/v1/users/${never}`, '/docs', '/old', '/v1/nowhere']
  assert.deepEqual(await statuses(...asked, ...asked), Array(2 * asked.length).fill(503))
  assert.equal((await ask('/v1/users', 'POST', person('too.much'))).status, 503)
  assert.deepEqual(await statuses(...HEALTH), [200, 200, 200])
  assert.deepEqual(legacy.asked.filter((one) => one === 'GET /old').length, 2)
  const worst = await metricsOf(replica)
  assert.equal(worst('users_shedding{what="all"}'), 1)
  assert.ok(worst('users_requests_refused_total{reason="overload-searches"}') >= SEARCHES.length)
  assert.ok(worst('users_requests_refused_total{reason="overload"}') >= 2 * asked.length)

  later()
  await until(
    'all is answered again',
    async () => {
      const answers = await statuses(...SEARCHES, ...READS, `/v1/users/${never}`, '/old')
      return answers.every((status) => status === 200)
    },
    LIMIT_MS,
  )
  assert.equal((await ask('/v1/users', 'POST', person('afterwards'))).status, 201)
  await replica.says('no longer overloaded', LIMIT_MS)
  assert.equal((await metricsOf(replica))('users_shedding{what="nothing"}'), 1)
  assert.equal(replica.isOver(), false)

  const told = lines().filter(({ msg }) => msg.includes('overloaded'))
  assert.equal(told[0]?.shedding, 'searches')
  assert.ok(told.some(({ shedding }) => shedding === 'all'))
  assert.ok(told.length <= 6, JSON.stringify(told))
  assert.deepEqual(
    lines().filter(({ code }) => code === 'overloaded'),
    [],
  )
})

test('one that is busy all the time, and late for nobody, sheds searches where that is set', {
  timeout: LIMIT_MS,
}, async (context) => {
  const t = lastFirst(context)
  const service = await startService()
  t.after(service.close)
  const replica = await startReplica(t, service, {
    ...{
      OVERLOAD_SEARCHES_DELAY_MS: '0',
      OVERLOAD_DELAY_MS: '0',
      OVERLOAD_SEARCHES_BUSY_PERCENT: '90',
      BUSY_TURNS_MS: '5,0',
    },
  })
  const statusOf = async (path: string) => (await replica.ask(path)).status
  await until('it is at rest', async () => (await statusOf('/v1/users?limit=1')) === 200, LIMIT_MS)
  replica.later()
  await until('searches are refused', async () => (await statusOf('/v1/users?limit=1')) === 503, LIMIT_MS)
  assert.equal(await statusOf('/v1/roles'), 200)
  replica.later()
  await until('they are answered', async () => (await statusOf('/v1/users?limit=1')) === 200, LIMIT_MS)
})
