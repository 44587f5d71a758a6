import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { branchOf, employmentOf, type Neighbours, startNeighbours } from '../neighbours/neighbours.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { PATIENT } from '../support/unhurried.ts'
import { type Api, apiClient } from './client.ts'

/** Calls end by what the test does, never by their own time, unless a caller has less. */
const LONG_MS = '50000'
const SHORT_MS = 100

let neighbours: Neighbours
let service: TestService
let api: Api
let people = 0
before(async () => {
  neighbours = await startNeighbours()
  service = await startService({
    environment: {
      BRANCHES_URL: `${neighbours.branches.url}/v2`,
      PEOPLE_URL: neighbours.people.url,
      PROFILE_DEADLINE_MS: LONG_MS,
      BRANCHES_CALL_MS: LONG_MS,
      BRANCHES_ATTEMPT_MS: LONG_MS,
      PEOPLE_CALL_MS: LONG_MS,
      PEOPLE_ATTEMPT_MS: LONG_MS,
      NEIGHBOUR_FRESH_MS: '1000',
      // What was heard stands in Redis, and is missing where that is late.
      REDIS_READ_DEADLINE_MS: PATIENT.REDIS_READ_DEADLINE_MS,
    },
  })
  api = await apiClient(service.app)
})
after(async () => {
  await service?.close()
  await neighbours?.close()
})
afterEach(async () => {
  for (const server of [neighbours.branches, neighbours.people]) {
    await server.set(null)
    server.reset()
  }
})

/** Somebody new, of whom nothing is known here. */
async function somebody(given: { branches?: string[]; employeeNumber?: string | null } = {}) {
  people += 1
  const { branches = [`B-${people}`, `C-${people}`], employeeNumber = `E-${people}` } = given
  const path = `/v1/users/${await api.somebody()}`
  for (const branchId of branches) await api.put(`${path}/branches/${branchId}`, {})
  const [homeBranchId = null] = branches
  if (homeBranchId !== null) await api.put(`${path}/branches/${homeBranchId}`, { home: true })
  await api.patch(path, { employeeNumber })
  return { path, profile: `${path}/profile`, branches, employeeNumber: employeeNumber ?? '' }
}
const details = (branchId: string) => {
  const { branchId: _, ...rest } = branchOf(branchId)
  return rest
}

describe('a profile', () => {
  test('has the user as every read has them, their branches and their employment', async () => {
    const { path, profile, branches, employeeNumber } = await somebody()
    const answer = await api.get(`${profile}?include=branches,employment`)
    assert.equal(answer.statusCode, 200)
    const [home = '', other = ''] = branches
    assert.deepEqual(answer.json(), {
      user: (await api.get(path)).json(),
      branches: [
        { branchId: home, home: true, details: details(home) },
        { branchId: other, home: false, details: details(other) },
      ],
      employment: employmentOf(employeeNumber),
      degraded: [],
    })
    assert.equal(answer.headers['cache-control'], 'private, no-cache')
    assert.equal(neighbours.branches.arrived(), 1, 'one call for several branches')
    assert.match(neighbours.branches.requests()[0]?.path ?? '', /^\/v2\/branches\?ids=B-\d+,C-\d+$/)
  })

  test('has only what is asked for; without a word, everything', async () => {
    const { profile } = await somebody()
    assert.deepEqual(Object.keys((await api.get(`${profile}?include=employment`)).json()), [
      'user',
      'employment',
      'degraded',
    ])
    assert.equal(neighbours.branches.arrived(), 0)
    const all = ['user', 'branches', 'employment', 'degraded']
    assert.deepEqual(Object.keys((await api.get(`${profile}?include=employment,branches`)).json()), all)
    assert.deepEqual(Object.keys((await api.get(profile)).json()), all)
  })

  test('comes from copies when these are fresh, of what nobody knows as well', async () => {
    const { profile } = await somebody({ branches: ['X-1', 'B-fresh'], employeeNumber: 'X-2' })
    const first = (await api.get(profile)).json()
    const unknown = first.branches.find(({ branchId }: { branchId: string }) => branchId === 'X-1')
    assert.deepEqual([unknown.details, first.employment, first.degraded], [null, null, []])
    assert.deepEqual((await api.get(profile)).json(), first)
    assert.deepEqual([neighbours.branches.arrived(), neighbours.people.arrived()], [1, 1])
  })

  test('asks nobody for somebody without branches and without a number', async () => {
    const { profile } = await somebody({ branches: [], employeeNumber: null })
    const { branches, employment, degraded } = (await api.get(profile)).json()
    assert.deepEqual([branches, employment, degraded], [[], null, []])
    assert.deepEqual([neighbours.branches.arrived(), neighbours.people.arrived()], [0, 0])
  })

  test('of nobody is 404, and nobody else is asked', async () => {
    const answer = await api.get('/v1/users/999999/profile')
    assert.deepEqual([answer.statusCode, answer.json().code], [404, 'user-not-found'])
    assert.deepEqual([neighbours.branches.arrived(), neighbours.people.arrived()], [0, 0])
  })

  test('shows no older user than Min-Version says', async () => {
    const { profile } = await somebody()
    assert.equal((await api.get(profile, { 'min-version': 'user=999' })).statusCode, 412)
  })

  for (const [query, detail] of [
    ['include=', 'must be of branches, employment, separated by commas'],
    ['include=branches,', 'must be of branches, employment, separated by commas'],
    ['include=salary', 'must be of branches, employment, separated by commas'],
    ['include=branches,branches', 'must name each part once'],
  ]) {
    test(`${query} is refused, and named`, async () => {
      const answer = await api.get(`/v1/users/1/profile?${query}`)
      assert.equal(answer.statusCode, 400)
      assert.deepEqual(answer.json().errors, [{ in: 'query', pointer: '/include', detail }])
    })
  }

  for (const header of ['', '-1', '1.5', '1e3', 'soon', '1'.repeat(10)]) {
    test(`a deadline of "${header}" is refused, and named`, async () => {
      const answer = await api.get('/v1/users/1/profile', { 'x-request-deadline': header })
      assert.equal(answer.statusCode, 400)
      assert.equal(answer.json().errors[0].pointer, '/x-request-deadline')
    })
  }
})

describe('when a neighbour fails', () => {
  test('what is missing is named, the rest is there, and no copy is to be kept', async () => {
    const { profile, branches, employeeNumber } = await somebody()
    await neighbours.branches.set({ kind: 'status', status: 500 })
    const answer = await api.get(profile)
    assert.equal(answer.statusCode, 200)
    const body = answer.json()
    assert.deepEqual(
      body.branches.map(({ details }: { details: unknown }) => details),
      [null, null],
    )
    assert.deepEqual(body.employment, employmentOf(employeeNumber))
    assert.deepEqual(body.degraded, [{ part: 'branches', reason: 'unavailable', asOf: null, branchIds: branches }])
    assert.equal(answer.headers['cache-control'], 'private, no-store')
  })

  test('the last that was heard is shown, with its time', async () => {
    const { profile, employeeNumber } = await somebody()
    const before = Date.now()
    await api.get(profile)
    await neighbours.people.set({ kind: 'status', status: 500 })
    const stale = await until('the copy is not fresh', async () => {
      const body = (await api.get(`${profile}?include=employment`)).json()
      return body.degraded.length > 0 && body
    })
    assert.deepEqual(stale.employment, employmentOf(employeeNumber))
    const [{ part, reason, asOf }] = stale.degraded
    assert.ok(part === 'employment' && ['unavailable', 'refreshing', 'circuit-open'].includes(reason), reason)
    assert.ok(Date.parse(asOf) >= before && Date.parse(asOf) <= Date.now())
  })

  test('the caller’s time is kept, and passed on', async () => {
    const { profile } = await somebody()
    await neighbours.branches.set({ kind: 'blackhole' })
    const startedMs = performance.now()
    const body = (await api.get(profile, { 'x-request-deadline': String(SHORT_MS) })).json()
    assert.ok(performance.now() - startedMs < 20 * SHORT_MS)
    assert.deepEqual(
      body.degraded.map(({ part, reason }: { part: string; reason: string }) => [part, reason]),
      [['branches', 'timeout']],
    )
    const leftMs = Number(neighbours.branches.requests()[0]?.headers['x-request-deadline'])
    assert.ok(leftMs > 0 && leftMs <= SHORT_MS)
    await until('the call has stopped', async () => neighbours.branches.unanswered() === 0)
  })

  test('a caller without time gets what is here', async () => {
    const { profile } = await somebody()
    const none = (await api.get(profile, { 'x-request-deadline': '0' })).json()
    assert.deepEqual(
      none.degraded.map(({ reason }: { reason: string }) => reason),
      ['timeout', 'timeout'],
    )
    assert.deepEqual([neighbours.branches.arrived(), neighbours.people.arrived()], [0, 0])
    // On a busy machine Redis may take longer than its copies are waited for, and what was heard be old by then.
    await until('what was heard is shown', async () => {
      const heard = (await api.get(profile)).json()
      assert.deepEqual(heard.degraded, [])
      return isDeepStrictEqual((await api.get(profile, { 'x-request-deadline': '0' })).json(), heard)
    })
  })

  test('the request’s id and trace go with the calls', async () => {
    const { profile } = await somebody()
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await api.get(profile, { 'x-request-id': 'till-7', traceparent: trace, tracestate: 'a=1' })
    for (const { branches, people } of [neighbours]) {
      for (const [asked] of [branches.requests(), people.requests()]) {
        const { headers } = asked ?? assert.fail()
        assert.deepEqual([headers['x-request-id'], headers.traceparent, headers.tracestate], ['till-7', trace, 'a=1'])
      }
    }
  })

  test('calls stop when the client goes away', async () => {
    const { profile } = await somebody()
    await service.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = service.app.server.address() as AddressInfo
    for (const server of [neighbours.branches, neighbours.people]) await server.set({ kind: 'blackhole' })
    const client = request({ port, path: profile, headers: { authorization: bearer(service.token) } })
    const gone = new Promise((resolve) => client.on('error', resolve))
    client.end()
    await until('both are asked', async () => neighbours.branches.unanswered() + neighbours.people.unanswered() === 2)
    client.destroy()
    await gone
    await until(
      'both calls have stopped',
      async () => neighbours.branches.unanswered() + neighbours.people.unanswered() === 0,
    )
  })
})

test('where nobody has said where the others are, the answer says so', async (t) => {
  const alone = await startService()
  t.after(alone.close)
  const client = await apiClient(alone.app)
  const path = `/v1/users/${await client.somebody()}`
  await client.put(`${path}/branches/B1`, {})
  await client.patch(path, { employeeNumber: 'E-1' })
  const { degraded } = (await client.get(`${path}/profile`)).json()
  assert.deepEqual(degraded, [
    { part: 'branches', reason: 'not-configured', asOf: null, branchIds: ['B1'] },
    { part: 'employment', reason: 'not-configured', asOf: null },
  ])
})
