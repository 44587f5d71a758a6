import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setInterval as every } from 'node:timers/promises'
import { MICROSERVICES } from '../../src/domain/neighbours.ts'
import { type Api, apiClient } from '../api/client.ts'
import type { Fault } from '../support/fault-kinds.ts'
import { type FaultServer, MAX_KEPT } from '../support/fault-server.ts'
import { type Fault as Bug, importWith } from '../support/plant.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { PATIENT } from '../support/unhurried.ts'
import { branchOf, employmentOf, startNeighbours } from './neighbours.ts'

// In short what `make resilience` measures for long: here only what hangs on no clock.

const ASK_EVERY_MS = 20
/** Two seconds of it, and longer where the breakers take longer. */
const LEAST_PROFILES = 100
const MOST_PROFILES = 500
/** Whose answers are known before the fault, and who is asked for only while it lasts. */
const KNOWN = 15
const STRANGERS = 20
const MOST_REQUESTS_A_CALL = 1.1
const CLOSE_LIMIT_MS = 10_000
/** Twice what a breaker stays open before it tries. */
const SHORT_CLOSE_LIMIT_MS = 4_000

type Start = (options: Parameters<typeof startService>[0]) => Promise<TestService>
type Owner = Pick<TestContext, 'after'>
type User = { profile: string; branchId: string; employeeNumber: string }
type Degraded = { part: string; reason: string; asOf: string | null }
type Profile = { branches: { details: object | null }[]; employment: object | null; degraded: Degraded[] }
type Rig = {
  api: Api
  servers: FaultServer[]
  known: User[]
  strangers(): Promise<User[]>
  set(fault: Fault | null): Promise<void>
}

/** The whole service, and neighbours that are well, so that the answers of some users are known. */
async function openRig(t: Owner, start: Start = startService): Promise<Rig> {
  const neighbours = await startNeighbours()
  t.after(neighbours.close)
  const service = await start({
    worker: false,
    environment: {
      BRANCHES_URL: neighbours.branches.url,
      PEOPLE_URL: neighbours.people.url,
      NEIGHBOUR_FRESH_MS: '100',
      // Calls end by their own time; what is known stands in Redis, and is missing where that is late.
      PROFILE_DEADLINE_MS: '10000',
      REDIS_READ_DEADLINE_MS: PATIENT.REDIS_READ_DEADLINE_MS,
    },
  })
  t.after(service.close)
  const api = await apiClient(service.app)
  let people = 0
  const somebody = async (): Promise<User> => {
    people += 1
    const user = { branchId: `B-${people}`, employeeNumber: `E-${people}` }
    const path = `/v1/users/${await api.somebody({ employeeNumber: user.employeeNumber })}`
    await api.put(`${path}/branches/${user.branchId}`, {})
    return { ...user, profile: `${path}/profile` }
  }
  const some = async (count: number) => {
    const users: User[] = []
    for (let left = count; left > 0; left -= 1) users.push(await somebody())
    return users
  }
  const known = await some(KNOWN)
  for (const user of known) assert.deepEqual((await api.get(user.profile)).json().degraded, [])
  const servers = [neighbours.branches, neighbours.people]
  const set = async (fault: Fault | null) => void (await Promise.all(servers.map((server) => server.set(fault))))
  return { api, servers, known, strangers: () => some(STRANGERS), set }
}

/** Asks for profiles at a constant rate while the fault lasts, until both breakers have opened; and until both are closed. */
async function undergo(rig: Rig, fault: Fault, closeLimitMs = CLOSE_LIMIT_MS): Promise<void> {
  const { api, known } = rig
  const strangers = await rig.strangers()
  await rig.set(fault)
  const ofKnown: Promise<Profile>[] = []
  const ofStrangers: Promise<Profile>[] = []
  for await (const _ of every(ASK_EVERY_MS)) {
    const asked = ofKnown.length
    ofKnown.push(profileOf(api, known[asked % known.length]))
    ofStrangers.push(profileOf(api, strangers[asked % strangers.length]))
    if (asked * 2 >= MOST_PROFILES) break
    if (asked * 2 >= LEAST_PROFILES && (await haveOpened(api))) break
  }
  // So many are enough; a busy machine is late with their answers.
  await until('the breakers have opened', () => haveOpened(api))
  await checkKnown(known, await Promise.all(ofKnown))
  checkStrangers(await Promise.all(ofStrangers))

  await rig.set(null)
  let asked = 0
  await until(
    'the breakers are closed again',
    async () => {
      await profileOf(api, strangers[asked % strangers.length])
      asked += 1
      return (await states(api)).every((state) => state === 'closed')
    },
    closeLimitMs,
  )
}

async function profileOf(api: Api, user: User | undefined): Promise<Profile> {
  assert.ok(user)
  const answer = await api.get(user.profile)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}

async function states(api: Api): Promise<string[]> {
  const { breakers } = (await api.get('/v1/breakers')).json() as { breakers: { neighbour: string; state: string }[] }
  const theirs = breakers.filter(({ neighbour }) => MICROSERVICES.some((name) => name === neighbour))
  assert.equal(theirs.length, MICROSERVICES.length)
  return theirs.map(({ state }) => state)
}

const haveOpened = async (api: Api) => (await states(api)).every((state) => state !== 'closed')

/** The last that was known is shown, and its time when it is old. */
function checkKnown(known: User[], profiles: Profile[]): void {
  for (const [i, { branches, employment, degraded }] of profiles.entries()) {
    const { branchId, employeeNumber } = known[i % known.length] ?? assert.fail()
    const { branchId: _, ...details } = branchOf(branchId)
    assert.deepEqual(branches[0]?.details, details)
    assert.deepEqual(employment, employmentOf(employeeNumber))
    for (const { asOf } of degraded) assert.ok(asOf !== null && Date.parse(asOf) <= Date.now())
  }
  const parts = new Set(profiles.flatMap(({ degraded }) => degraded.map(({ part }) => part)))
  assert.deepEqual([...parts].sort(), ['branches', 'employment'])
}

/** Nothing was known: that is said of each part. */
function checkStrangers(profiles: Profile[]): void {
  for (const { branches, employment, degraded } of profiles) {
    assert.deepEqual([branches[0]?.details, employment], [null, null])
    assert.deepEqual(
      degraded.map(({ part, asOf }) => [part, asOf]),
      [
        ['branches', null],
        ['employment', null],
      ],
    )
  }
}

/** Since the service began: a further attempt has the request id and the path of the one before. */
function assertNoStorm({ servers }: Rig): void {
  for (const server of servers) {
    assert.ok(server.arrived() > KNOWN && server.arrived() <= MAX_KEPT)
    const calls = new Set(server.requests().map(({ path, headers }) => `${headers['x-request-id']} ${path}`))
    const perCall = server.arrived() / calls.size
    assert.ok(perCall <= MOST_REQUESTS_A_CALL, `a storm: ${perCall} requests a call`)
  }
}

const UNAVAILABLE: Fault = { kind: 'status', status: 503 }
const FAULTS: Fault[] = [UNAVAILABLE, { kind: 'half-body' }, { kind: 'blackhole' }]

describe('while its neighbours are ill, and after', () => {
  test('profiles are 200 and say what they lack, breakers open and close again, and nobody is stormed', async (t) => {
    const rig = await openRig(t)
    for (const fault of FAULTS) await undergo(rig, fault)
    assertNoStorm(rig)
  })

  const start = async (bug: Bug): Promise<Start> =>
    (await importWith<{ startService: Start }>(bug, 'test/support/service.ts', RELOADED)).startService

  test('further attempts without a budget would be seen', async (t) => {
    const rig = await openRig(
      t,
      await start({
        file: 'src/adapters/http/retries.ts',
        from: 'isTooLate || !budget.spend()',
        to: 'isTooLate',
      }),
    )
    await undergo(rig, UNAVAILABLE)
    assert.throws(() => assertNoStorm(rig), /a storm/)
  })

  test('a breaker that does not close again would be seen', async (t) => {
    const rig = await openRig(
      t,
      await start({
        file: 'src/adapters/http/circuit.ts',
        from: 'resetTimeout: openMs',
        to: 'resetTimeout: 600_000',
      }),
    )
    await assert.rejects(undergo(rig, UNAVAILABLE, SHORT_CLOSE_LIMIT_MS), /in vain: the breakers are closed again/)
  })
})

/** From the circuit to whoever starts the service. */
const RELOADED = /\/src\/(?:wiring|wiring-neighbours|adapters\/http\/.*)\.ts$|\/test\/support\/service\.ts$/
