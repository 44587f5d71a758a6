// What we have agreed on with others is no wish: those who stand in for them keep it, and so do we where we answer in place
// of the legacy application.
import { type TestContext, test } from 'node:test'
import { madeUpBranch } from '../../../src/adapters/http/made-up-branches.ts'
import { startMadeUpNeighbours } from '../../../src/adapters/http/made-up-neighbours.ts'
import { madeUpEmployment } from '../../../src/adapters/http/made-up-people.ts'
import type { Employment } from '../../../src/domain/neighbours.ts'
import { databasePath } from '../../../src/wiring-database.ts'
import { legacyDjangoMissing, startLegacyDjango } from '../../support/legacy-django.ts'
import { until } from '../../support/service.ts'
import { bearer } from '../../support/tokens.ts'
import { many } from '../../support/users.ts'
import { contractWith } from './honoured.ts'
import { startProvider, verify, verifyWith } from './verifying.ts'

const TODAY = new Date('2026-05-20T12:00:00Z')
const PEOPLE = 5_000
const BRANCHES = 999
const ROUTES = ['get-user', 'get-user-by-username', 'get-permissions', 'get-branch-users', 'change-user']

const branchIds = many(BRANCHES, (n) => `B${String(n + 1).padStart(3, '0')}`)
/** Managers have numbers of their own, and one of them has none. */
const numbers = [1, 9_000_001].flatMap((first) => many(PEOPLE, (n) => `E-${String(first + n).padStart(7, '0')}`))
const employed = (fits: (employment: Employment) => boolean) => async () => {
  const found = numbers.map((number) => madeUpEmployment(number, TODAY)).find((one) => one !== null && fits(one))
  if (!found) throw new Error('nobody is employed so')
  return { employeeNumber: found.employeeNumber }
}
const STATES = {
  'there is a branch': async () => ({}),
  'there is no branch': async () => ({}),
  'there is a branch without a phone': async () => ({
    branchId: branchIds.find((branchId) => madeUpBranch(branchId)?.phone === null) ?? '',
  }),
  'nobody has the number': async () => ({ employeeNumber: 'X-1' }),
  'somebody is employed, under a manager, and not on leave': employed((one) => one.manager !== null && !one.leave),
  'somebody without a manager is on leave until a day': employed((one) => one.manager === null && !!one.leave?.until),
  'somebody is on leave until a day': employed((one) => one.manager !== null && typeof one.leave?.until === 'string'),
  'somebody is on leave, nobody knows for how long': employed(
    (one) => one.manager !== null && one.leave?.until === null,
  ),
}

for (const neighbour of ['branches-service', 'people-service']) {
  test(`the made-up ${neighbour} keeps our contract with it`, async (t) => {
    const { url, close } = await startMadeUpNeighbours({ now: () => TODAY })
    t.after(close)
    const pactUrls = [contractWith(t, neighbour)]
    await verifyWith(STATES, { provider: neighbour, providerBaseUrl: url, pactUrls })
  })
}

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
