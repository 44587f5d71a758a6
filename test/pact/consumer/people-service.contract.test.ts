import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import { guardedClient } from '../../../src/adapters/http/guarded-client.ts'
import { describePeople, peopleService } from '../../../src/adapters/http/people-service.ts'
import { keptPact, SERVICE } from '../kept.ts'
import { askedBy, JSON_HEADERS, OUR_HEADERS, RETRY_HEADERS } from './neighbour.ts'

const { date, nullValue, string } = MatchersV3
const PROVIDER = 'people-service'
const DATE = 'yyyy-MM-dd'
const NUMBER = 'E-0000001'
const NOBODYS_NUMBER = 'X-1'

const { pact, test } = keptPact({ consumer: SERVICE, provider: PROVIDER, folder: 'pacts' })
const asking = (url: string, employeeNumber: string) =>
  askedBy({
    open: (limits, deps) => guardedClient(describePeople(url, limits), deps),
    ask: (client, caller) => peopleService(client).employment(employeeNumber, caller),
  })

const employment = {
  department: string('Fresh food'),
  manager: { employeeNumber: string('E-9000008'), name: string('Made Up') },
  startDate: date(DATE, '2010-01-18'),
  leave: nullValue(),
}
const read = {
  ...{ department: 'Fresh food', startDate: '2010-01-18', leave: null },
  manager: { employeeNumber: 'E-9000008', name: 'Made Up' },
}

/**
 * Each of somebody of its own, who is named in the answer as well: one about somebody else is none. The numbers are free;
 * these are of those of whom the made-up people-service says so.
 */
const STATES = {
  'somebody is employed, under a manager, and not on leave': ['E-0000002', {}, {}],
  'somebody without a manager is on leave until a day': [
    'E-9000001',
    { manager: nullValue(), leave: { from: date(DATE, '2026-05-01'), until: date(DATE, '2026-05-31') } },
    { manager: null, leave: { from: '2026-05-01', until: '2026-05-31' } },
  ],
  'somebody is on leave until a day': [
    'E-0000001',
    { leave: { from: date(DATE, '2026-05-01'), until: date(DATE, '2026-05-31') } },
    { leave: { from: '2026-05-01', until: '2026-05-31' } },
  ],
  'somebody is on leave, nobody knows for how long': [
    'E-0000007',
    { leave: { from: date(DATE, '2026-05-01'), until: nullValue() } },
    { leave: { from: '2026-05-01', until: null } },
  ],
} as const

for (const [state, [employeeNumber, agreed, expected]] of Object.entries(STATES)) {
  test(state, async () => {
    await pact
      .addInteraction()
      .given(state, { employeeNumber })
      .uponReceiving(`a question when ${state}`)
      .withRequest('GET', `/employments/${employeeNumber}`, (request) => request.headers(OUR_HEADERS))
      .willRespondWith(200, (response) =>
        response.headers(JSON_HEADERS).jsonBody({ employeeNumber, ...employment, ...agreed }),
      )
      .executeTest(async ({ url }) =>
        assert.deepEqual((await asking(url, employeeNumber)).answer, { employeeNumber, ...read, ...expected }),
      )
  })
}

test('404, by its code: nobody has this number', async () => {
  await pact
    .addInteraction()
    .given('nobody has the number', { employeeNumber: NOBODYS_NUMBER })
    .uponReceiving('a question about a number that nobody has')
    .withRequest('GET', `/employments/${NOBODYS_NUMBER}`, (request) => request.headers(OUR_HEADERS))
    .willRespondWith(404, (response) => response.headers(JSON_HEADERS).jsonBody({ code: 'employment-not-found' }))
    .executeTest(async ({ url }) => assert.deepEqual(await asking(url, NOBODYS_NUMBER), { answer: null, attempts: 1 }))
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
      .executeTest(async ({ url }) =>
        assert.deepEqual(await asking(url, NUMBER), { reason: 'unavailable', attempts: 1 }),
      )
  })
}
