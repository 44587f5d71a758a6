import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import { guardedClient } from '../../../src/adapters/http/guarded-client.ts'
import { describePeople, peopleService } from '../../../src/adapters/http/people-service.ts'
import { keptPact, SERVICE } from '../kept.ts'
import { askedBy, JSON_HEADERS, OUR_HEADERS, RETRY_HEADERS } from './neighbour.ts'

const { date, fromProviderState, nullValue, string } = MatchersV3
const PROVIDER = 'people-service'
const DATE = 'yyyy-MM-dd'
const NUMBER = 'E-0000001'

const { pact, test } = keptPact({ consumer: SERVICE, provider: PROVIDER, folder: 'pacts' })
const asking = (url: string) =>
  askedBy({
    open: (limits, deps) => guardedClient(describePeople(url, limits), deps),
    ask: (client, caller) => peopleService(client).employment(NUMBER, caller),
  })

/** Whose number it is, is the provider’s to say. */
const PATH = fromProviderState(`/employments/\${employeeNumber}`, `/employments/${NUMBER}`)

const employment = {
  employeeNumber: fromProviderState(`\${employeeNumber}`, NUMBER),
  department: string('Fresh food'),
  manager: { employeeNumber: string('E-9000008'), name: string('Made Up') },
  startDate: date(DATE, '2010-01-18'),
  leave: nullValue(),
}
const read = {
  ...{ employeeNumber: NUMBER, department: 'Fresh food', startDate: '2010-01-18', leave: null },
  manager: { employeeNumber: 'E-9000008', name: 'Made Up' },
}

const STATES = {
  'somebody is employed, under a manager, and not on leave': [{}, {}],
  'somebody without a manager is on leave until a day': [
    { manager: nullValue(), leave: { from: date(DATE, '2026-05-01'), until: date(DATE, '2026-05-31') } },
    { manager: null, leave: { from: '2026-05-01', until: '2026-05-31' } },
  ],
  'somebody is on leave until a day': [
    { leave: { from: date(DATE, '2026-05-01'), until: date(DATE, '2026-05-31') } },
    { leave: { from: '2026-05-01', until: '2026-05-31' } },
  ],
  'somebody is on leave, nobody knows for how long': [
    { leave: { from: date(DATE, '2026-05-01'), until: nullValue() } },
    { leave: { from: '2026-05-01', until: null } },
  ],
} as const

for (const [state, [agreed, expected]] of Object.entries(STATES)) {
  test(state, async () => {
    await pact
      .addInteraction()
      .given(state)
      .uponReceiving(`a question when ${state}`)
      .withRequest('GET', PATH, (request) => request.headers(OUR_HEADERS))
      .willRespondWith(200, (response) => response.headers(JSON_HEADERS).jsonBody({ ...employment, ...agreed }))
      .executeTest(async ({ url }) => assert.deepEqual((await asking(url)).answer, { ...read, ...expected }))
  })
}

test('404, by its code: nobody has this number', async () => {
  await pact
    .addInteraction()
    .given('nobody has the number')
    .uponReceiving('a question about a number that nobody has')
    .withRequest('GET', PATH, (request) => request.headers(OUR_HEADERS))
    .willRespondWith(404, (response) => response.headers(JSON_HEADERS).jsonBody({ code: 'employment-not-found' }))
    .executeTest(async ({ url }) => assert.deepEqual(await asking(url), { answer: null, attempts: 1 }))
})

for (const [status, state] of [
  [503, 'it is overloaded'],
  [429, 'we have asked too often'],
] as const) {
  test(`${status} with Retry-After: that it is unavailable, and is not asked again before then`, async () => {
    await pact
      .addInteraction()
      .given(state)
      .uponReceiving(`a question when ${state}`)
      .withRequest('GET', `/employments/${NUMBER}`, (request) => request.headers(OUR_HEADERS))
      .willRespondWith(status, (response) => response.headers(RETRY_HEADERS))
      .executeTest(async ({ url }) => assert.deepEqual(await asking(url), { reason: 'unavailable', attempts: 1 }))
  })
}
