// What we have agreed on with others is no wish: those who stand in for them keep it, and so do we where we answer in place
// of the legacy application.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { madeUpBranch } from '../../../src/adapters/http/made-up-branches.ts'
import * as madeUpNeighbours from '../../../src/adapters/http/made-up-neighbours.ts'
import { madeUpEmployment } from '../../../src/adapters/http/made-up-people.ts'
import type { Branch, Employment } from '../../../src/domain/neighbours.ts'
import { databasePath } from '../../../src/wiring-database.ts'
import { legacyDjangoMissing, startLegacyDjango } from '../../support/legacy-django.ts'
import { type Fault, importWith } from '../../support/plant.ts'
import { until } from '../../support/service.ts'
import { bearer } from '../../support/tokens.ts'
import type { Parameters } from './followed.ts'
import { contractWith } from './honoured.ts'
import { startProvider, verify, verifyWith } from './verifying.ts'

const MADE_UP = 'src/adapters/http/made-up-neighbours.ts'
const TODAY = new Date('2026-05-20T12:00:00Z')
const ROUTES = ['get-user', 'get-user-by-username', 'get-permissions', 'get-branch-users', 'change-user']

/** They cannot be made to say what they do not say: whom a contract names has to be one of whom they say it. */
const employed =
  (fits: (one: Employment | null) => unknown) =>
  async ({ employeeNumber }: Parameters) => {
    if (!fits(madeUpEmployment(String(employeeNumber), TODAY))) throw new Error(`${employeeNumber} is another one`)
    return {}
  }
const branch =
  (fits: (one: Branch | null) => unknown) =>
  async ({ branchId }: Parameters) => {
    if (!fits(madeUpBranch(String(branchId)))) throw new Error(`${branchId} is another one`)
    return {}
  }
const STATES = {
  'there is a branch': branch((one) => one !== null),
  'there is no branch': branch((one) => one === null),
  'there is a branch without a phone': branch((one) => one?.phone === null),
  'nobody has the number': employed((one) => one === null),
  'somebody is employed, under a manager, and not on leave': employed((one) => one?.manager && !one.leave),
  'somebody without a manager is on leave until a day': employed((one) => one?.manager === null && one.leave?.until),
  'somebody is on leave until a day': employed((one) => one?.manager && one.leave?.until),
  'somebody is on leave, nobody knows for how long': employed((one) => one?.manager && one.leave?.until === null),
}
type MadeUp = typeof import('../../../src/adapters/http/made-up-neighbours.ts')

async function verifiedNeighbour(t: TestContext, neighbour: string, { startMadeUpNeighbours }: MadeUp) {
  const { url, close } = await startMadeUpNeighbours({ now: () => TODAY })
  t.after(close)
  const pactUrls = [contractWith(t, neighbour)]
  await verifyWith(STATES, { provider: neighbour, providerBaseUrl: url, pactUrls })
}

for (const neighbour of ['branches-service', 'people-service'])
  test(`the made-up ${neighbour} keeps our contract with it`, (t) => verifiedNeighbour(t, neighbour, madeUpNeighbours))

const OTHERS: Record<string, Fault> = {
  'branches-service': {
    file: 'src/adapters/http/made-up-branches.ts',
    from: 'return {\n    branchId,',
    to: "return {\n    branchId: 'B777',",
  },
  'people-service': {
    file: 'src/adapters/http/made-up-people.ts',
    from: 'return {\n    employeeNumber,',
    to: "return {\n    employeeNumber: 'E-4711',",
  },
}

for (const [neighbour, fault] of Object.entries(OTHERS))
  test(`a ${neighbour} that answers about another one does not keep it`, async (t) => {
    const faulty = await importWith<MadeUp>(fault, MADE_UP, /\/src\/.*\.ts$/)
    await assert.rejects(verifiedNeighbour(t, neighbour, faulty), /B777|E-4711/)
  })

async function provider(t: TestContext) {
  const started = await startProvider()
  t.after(started.service.close)
  return started
}

test('where we answer in place of the legacy application, we keep our contract with it', async (t) => {
  const { service, url } = await provider(t)
  for (const route of ROUTES) {
    const set = { url: `/v1/strangler/routes/${route}`, payload: { mode: 'native', reason: 'a contract' } }
    const { statusCode, body } = await service.app.inject({ method: 'PUT', ...set })
    if (statusCode !== 200) throw new Error(body)
  }
  await until('all routes are ours', async () => {
    const { routes } = (await service.app.inject('/v1/strangler/routes')).json()
    return routes.every(({ mode }: { mode: string }) => mode === 'native')
  })
  await verify(service, {
    ...{ provider: 'legacy', providerBaseUrl: url, pactUrls: [contractWith(t, 'legacy')] },
    // Clients are given tokens before their endpoints are taken over.
    customProviderHeaders: { Authorization: bearer(service.token) },
  })
})

test('the example of a legacy application keeps our contract with it', {
  skip: legacyDjangoMissing() ?? false,
}, async (t) => {
  const { service } = await provider(t)
  const django = await startLegacyDjango({ databasePath: databasePath(service.config), slownessMs: [0, 0] })
  t.after(django.stop)
  const pactUrls = [contractWith(t, 'legacy')]
  await verify(service, { provider: 'legacy', providerBaseUrl: django.url, pactUrls })
})
