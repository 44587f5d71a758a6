// The contract of a terminal, as its team would write it: what a till asks when somebody signs on, and before they do what
// not everybody may.
import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import { keptPact, SERVICE } from '../kept.ts'
import {
  BEARER,
  ETAG,
  JSON_TYPE,
  jsonOf,
  mayScopes,
  PROBLEM_TYPE,
  problem,
  sent,
  theUser,
  USER_ID,
  USERNAME,
  userPath,
} from './agreed.ts'

const { eachLike, fromProviderState, integer, like, regex, string } = MatchersV3
const BRANCH = 'B001'
const TILL = mayScopes('users:read')

const { pact, test } = keptPact({ consumer: 'point-of-sale-terminal', provider: SERVICE, folder: 'consumers' })

/** The part of a till that asks. */
function till(url: string) {
  const get = (path: string, headers = {}) => fetch(url + path, { headers: sent(headers) })
  return {
    async signOn(path: string) {
      const answer = await get(path)
      if (answer.status === 404) return 'nobody'
      const { userId, givenName, familyName, status, roles, limits } = await jsonOf(answer)
      const etag = answer.headers.get('etag') ?? ''
      return { userId, shownAs: `${givenName} ${familyName}`, mayWork: status === 'active', roles, limits, etag }
    },
    isUnchanged: async (etag: string) => (await get(`/v1/users/${USER_ID}`, { 'if-none-match': etag })).status === 304,
    async may(permission: string): Promise<string> {
      const answer = await get(`/v1/users/${USER_ID}/permissions/${permission}?branchId=${BRANCH}`)
      return (await jsonOf(answer)).decision
    },
    colleagues: async () => (await jsonOf(await get(`/v1/branches/${BRANCH}/users?limit=50`))).items.length,
  }
}

const user = {
  ...{ userId: theUser, username: USERNAME, status: 'active' },
  ...{ givenName: string('Ann'), familyName: string('Lee'), homeBranchId: BRANCH, branches: eachLike(BRANCH) },
  roles: eachLike({ role: string('cashier'), branchId: string(BRANCH) }),
  limits: { 'discount-percent': integer(15) },
  preferences: { 'receipt-greeting': string('Hello!') },
  version: integer(5),
}
const seen = {
  ...{ userId: USER_ID, shownAs: 'Ann Lee', mayWork: true, etag: '"9d4a9880.3.p.5"' },
  ...{ roles: [{ role: 'cashier', branchId: BRANCH }], limits: { 'discount-percent': 15 } },
}
const cashier = () =>
  pact
    .addInteraction()
    .given(...TILL)
    .given('a cashier works at the branch', { branchId: BRANCH, username: USERNAME })

test('who has scanned their badge', async () => {
  await cashier()
    .uponReceiving('a question for a user by number')
    .withRequest('GET', userPath(), (request) => request.headers(BEARER))
    .willRespondWith(200, (response) => response.headers({ ...JSON_TYPE, ETag: ETAG }).jsonBody(user))
    .executeTest(async ({ url }) => assert.deepEqual(await till(url).signOn(`/v1/users/${USER_ID}`), seen))
})

test('who has typed their name', async () => {
  const path = `/v1/users/by-username/${USERNAME}`
  await cashier()
    .uponReceiving('a question for a user by name')
    .withRequest('GET', path, (request) => request.headers(BEARER))
    .willRespondWith(200, (response) => response.headers({ ...JSON_TYPE, ETag: ETAG }).jsonBody(user))
    .executeTest(async ({ url }) => assert.deepEqual(await till(url).signOn(path), seen))
})

test('what the till knows is still so', async () => {
  const etag = '"9d4a9880.3.p.5"'
  await cashier()
    .uponReceiving('a question whether a user has changed')
    .withRequest('GET', userPath(), (request) =>
      request.headers({ ...BEARER, 'If-None-Match': fromProviderState(`\${etag}`, etag) }),
    )
    .willRespondWith(304, (response) => response.headers({ ETag: ETAG }))
    .executeTest(async ({ url }) => assert.ok(await till(url).isUnchanged(etag)))
})

test('nobody has this number', async () => {
  await pact
    .addInteraction()
    .given(...TILL)
    .given('nobody has the number')
    .uponReceiving('a question for a user whom there is not')
    .withRequest('GET', userPath(), (request) => request.headers(BEARER))
    .willRespondWith(404, (response) => response.headers(PROBLEM_TYPE).jsonBody(problem(404, 'user-not-found')))
    .executeTest(async ({ url }) => assert.equal(await till(url).signOn(`/v1/users/${USER_ID}`), 'nobody'))
})

const DECISIONS = {
  allow: ['receipt.void', 'granted', { role: string('cashier'), branchId: like(BRANCH) }],
  approve: ['refund.create', 'granted', { role: string('cashier'), branchId: like(BRANCH) }],
  deny: ['drawer.open', regex('^(?:not-granted|unknown-permission)$', 'not-granted'), null],
} as const
for (const [decision, [permission, reason, by]] of Object.entries(DECISIONS)) {
  test(`whether a cashier may: ${decision}`, async () => {
    await pact
      .addInteraction()
      .given(...TILL)
      .given('a cashier works at the branch', { branchId: BRANCH })
      .uponReceiving(`a question for what a cashier may, answered ${decision}`)
      .withRequest('GET', userPath(`/permissions/${permission}`), (request) =>
        request.query({ branchId: BRANCH }).headers(BEARER),
      )
      .willRespondWith(200, (response) =>
        response.headers(JSON_TYPE).jsonBody({ permission, decision, reason, by } as never),
      )
      .executeTest(async ({ url }) => assert.equal(await till(url).may(permission), decision))
  })
}

test('whoever is suspended may nothing', async () => {
  await pact
    .addInteraction()
    .given(...TILL)
    .given('a cashier is suspended', { branchId: BRANCH })
    .uponReceiving('a question for what somebody may who is suspended')
    .withRequest('GET', userPath('/permissions/receipt.void'), (request) =>
      request.query({ branchId: BRANCH }).headers(BEARER),
    )
    .willRespondWith(200, (response) =>
      response.headers(JSON_TYPE).jsonBody({ decision: 'deny', reason: 'user-suspended', by: null }),
    )
    .executeTest(async ({ url }) => assert.equal(await till(url).may('receipt.void'), 'deny'))
})

test('who works here: what a till keeps for when the network is away', async () => {
  await cashier()
    .uponReceiving('a question for who works at a branch')
    .withRequest('GET', `/v1/branches/${BRANCH}/users`, (request) => request.query({ limit: '50' }).headers(BEARER))
    .willRespondWith(200, (response) =>
      response.headers(JSON_TYPE).jsonBody({
        items: eachLike({ userId: integer(USER_ID), username: string(USERNAME), status: string('active') }),
      }),
    )
    .executeTest(async ({ url }) => assert.equal(await till(url).colleagues(), 1))
})

test('a till whose token has run out is told so', async () => {
  await pact
    .addInteraction()
    .given('a token is shown that has expired')
    .uponReceiving('a question with an old token')
    .withRequest('GET', `/v1/users/${USER_ID}`, (request) => request.headers(BEARER))
    .willRespondWith(401, (response) =>
      response
        .headers({ ...PROBLEM_TYPE, 'WWW-Authenticate': regex('^Bearer\\b.*', 'Bearer error="invalid_token"') })
        .jsonBody(problem(401, 'token-invalid')),
    )
    .executeTest(async ({ url }) => {
      const answer = await fetch(`${url}/v1/users/${USER_ID}`, { headers: sent() })
      assert.deepEqual([answer.status, (await jsonOf(answer)).code], [401, 'token-invalid'])
    })
})
