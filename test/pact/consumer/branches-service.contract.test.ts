import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import { branchesService, describeBranches } from '../../../src/adapters/http/branches-service.ts'
import { guardedClient } from '../../../src/adapters/http/guarded-client.ts'
import { WEEKDAYS } from '../../../src/domain/neighbours.ts'
import { keptPact, SERVICE } from '../kept.ts'
import { askedBy, JSON_HEADERS, OUR_HEADERS, RETRY_HEADERS } from './neighbour.ts'

const { arrayContaining, eachLike, nullValue, regex, string } = MatchersV3
const PROVIDER = 'branches-service'
/** Any would do; of this one the made-up branches-service says so. */
const PHONELESS = 'B003'
const TIME = '^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$'

const { pact, test } = keptPact({ consumer: SERVICE, provider: PROVIDER, folder: 'pacts' })
const asking = (url: string, branchIds: string[]) =>
  askedBy({
    open: (limits, deps) => guardedClient(describeBranches(url, limits), deps),
    ask: (client, caller) => branchesService(client).branches(branchIds, caller),
  })

const branch = (branchId: string) => ({
  branchId,
  name: string('Town Centre'),
  address: {
    street: string('Long Street 1'),
    postalCode: string('00-001'),
    city: string('Town'),
    countryCode: regex('^[A-Z]{2}$', 'PL'),
  },
  phone: string('+1 212 555 0100'),
  timeZone: regex('^[A-Za-z_+-]+(?:/[A-Za-z0-9_+-]+)*$', 'Europe/Warsaw'),
  openingHours: eachLike({
    day: regex(`^(?:${WEEKDAYS.join('|')})$`, 'monday'),
    opens: regex(TIME, '09:00'),
    closes: regex(TIME, '21:00'),
  }),
})
const read = (branchId: string) => ({
  ...{ branchId, name: 'Town Centre', phone: '+1 212 555 0100', timeZone: 'Europe/Warsaw' },
  address: { street: 'Long Street 1', postalCode: '00-001', city: 'Town', countryCode: 'PL' },
  openingHours: [{ day: 'monday', opens: '09:00', closes: '21:00' }],
})

test('two branches are asked for at once, and come in any order', async () => {
  await pact
    .addInteraction()
    .given('there is a branch', { branchId: 'B001' })
    .given('there is a branch', { branchId: 'B002' })
    .uponReceiving('a question about two branches')
    .withRequest('GET', '/branches', (request) => request.query({ ids: 'B001,B002' }).headers(OUR_HEADERS))
    .willRespondWith(200, (response) =>
      response.headers(JSON_HEADERS).jsonBody({ branches: arrayContaining(branch('B002'), branch('B001')) }),
    )
    .executeTest(async ({ url }) => {
      const { answer } = await asking(url, ['B001', 'B002'])
      assert.deepEqual(Object.fromEntries(answer ?? []), { B001: read('B001'), B002: read('B002') })
    })
})

test('a branch may have no phone', async () => {
  await pact
    .addInteraction()
    .given('there is a branch without a phone', { branchId: PHONELESS })
    .uponReceiving('a question about a branch without a phone')
    .withRequest('GET', '/branches', (request) => request.query({ ids: PHONELESS }).headers(OUR_HEADERS))
    .willRespondWith(200, (response) =>
      response.headers(JSON_HEADERS).jsonBody({ branches: [{ ...branch(PHONELESS), phone: nullValue() }] }),
    )
    .executeTest(async ({ url }) => {
      const { answer } = await asking(url, [PHONELESS])
      assert.deepEqual(answer?.get(PHONELESS), { ...read(PHONELESS), phone: null })
    })
})

test('a branch that it does not know is left out', async () => {
  await pact
    .addInteraction()
    .given('there is a branch', { branchId: 'B001' })
    .given('there is no branch', { branchId: 'X-1' })
    .uponReceiving('a question about a branch that there is, and one that there is not')
    .withRequest('GET', '/branches', (request) => request.query({ ids: 'B001,X-1' }).headers(OUR_HEADERS))
    .willRespondWith(200, (response) => response.headers(JSON_HEADERS).jsonBody({ branches: [branch('B001')] }))
    .executeTest(async ({ url }) => {
      const { answer } = await asking(url, ['B001', 'X-1'])
      assert.deepEqual(Object.fromEntries(answer ?? []), { B001: read('B001'), 'X-1': null })
    })
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
      .withRequest('GET', '/branches', (request) => request.query({ ids: 'B001' }).headers(OUR_HEADERS))
      .willRespondWith(status, (response) => response.headers(RETRY_HEADERS))
      .executeTest(async ({ url }) =>
        assert.deepEqual(await asking(url, ['B001']), { reason: 'unavailable', attempts: 1 }),
      )
  })
}
