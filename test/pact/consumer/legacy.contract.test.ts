import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import { keptPact, SERVICE } from '../kept.ts'
import { JSON_HEADERS, RETRY_AFTER_S, RETRY_HEADERS } from './neighbour.ts'
import { passedOn } from './passed-on.ts'

const { boolean, eachLike, eachValueMatches, fromProviderState, integer, regex, string } = MatchersV3
const BRANCH = 'B001'
const USERNAME = 'ann.lee'
/** As Python writes it, with microseconds or none. */
const TIME = regex('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{6})?Z$', '2026-11-28T10:00:00Z')
const NOT_FOUND = { detail: 'Not found.' }
const ANSWERED = { ...JSON_HEADERS, 'Cache-Control': 'no-store' }

/** What of a passed-on request the legacy application may rely on, beside what its client said (docs/strangler.md). */
const PASSED_ON = {
  'X-Request-Id': string('0f6e'),
  'X-Forwarded-For': string('127.0.0.1'),
  'X-Forwarded-Host': string('shop.example'),
  'X-Forwarded-Proto': regex('^https?$', 'http'),
  Via: regex('^1[.][01] users-service$', '1.1 users-service'),
}

const user = {
  ...{ id: fromProviderState(`\${userId}`, 42), username: USERNAME },
  ...{ first_name: string('Ann'), last_name: string('Lee'), email: string('ann.lee@example.com'), phone: string('') },
  ...{ title: string('Cashier'), is_active: boolean(true), home_branch: string(BRANCH), branches: eachLike(BRANCH) },
  updated: TIME,
}

const { pact, test } = keptPact({ consumer: SERVICE, provider: 'legacy', folder: 'pacts' })
const somebody = () =>
  pact.addInteraction().given('there is a user at the branch', { branchId: BRANCH, username: USERNAME })
const userPath = fromProviderState(`/users/\${userId}/`, '/users/42/')

type Read = { what: string; path: string; asked: string | ReturnType<typeof fromProviderState<string>>; body: object }
const READS: Read[] = [
  { what: 'a user by number', path: '/users/42/', asked: userPath, body: user },
  {
    what: 'a user by name',
    path: `/users/by-username/${USERNAME}/`,
    asked: `/users/by-username/${USERNAME}/`,
    body: { ...user, generated_at: TIME },
  },
  {
    what: 'what a user may do',
    path: '/users/42/permissions/',
    asked: fromProviderState(`/users/\${userId}/permissions/`, '/users/42/permissions/'),
    body: {
      ...{ user: fromProviderState(`\${userId}`, 42), branch: null },
      permissions: eachValueMatches({ 'receipt.void': 'allow' }, regex('^(?:allow|approve)$', 'allow')),
    },
  },
]

for (const { what, path, asked, body } of READS) {
  test(`${what}: the answer goes back as it is`, async (t) => {
    await somebody()
      .uponReceiving(`a question for ${what}`)
      .withRequest('GET', asked, (request) => request.headers(PASSED_ON))
      .willRespondWith(200, (response) => response.headers(ANSWERED).jsonBody(body as never))
      .executeTest(async ({ url }) => {
        const answer = await passedOn(t, url, path)
        assert.deepEqual([answer.status, answer.headers.get('cache-control')], [200, 'no-store'])
        assert.deepEqual(Object.keys(JSON.parse(answer.body)), Object.keys(body).toSorted())
      })
  })
}

test('who works at a branch: the answer goes back as it is', async (t) => {
  const { first_name, last_name, title } = user
  await somebody()
    .uponReceiving('a question for who works at a branch')
    .withRequest('GET', `/branches/${BRANCH}/users/`, (request) => request.headers(PASSED_ON))
    .willRespondWith(200, (response) =>
      response.headers(ANSWERED).jsonBody(
        // Whoever else works there.
        eachLike({ id: integer(42), username: string(USERNAME), first_name, last_name, title }),
      ),
    )
    .executeTest(async ({ url }) => {
      const { status, body } = await passedOn(t, url, `/branches/${BRANCH}/users/`)
      const [one] = JSON.parse(body)
      assert.deepEqual([status, one.id, one.username], [200, 42, USERNAME])
    })
})

test('404: nobody has this number', async (t) => {
  await pact
    .addInteraction()
    .given('nobody has the number')
    .uponReceiving('a question for a user whom there is not')
    .withRequest('GET', fromProviderState(`/users/\${userId}/`, '/users/404/'), (request) => request.headers(PASSED_ON))
    .willRespondWith(404, (response) => response.headers(ANSWERED).jsonBody(NOT_FOUND))
    .executeTest(async ({ url }) => {
      const { status, body } = await passedOn(t, url, '/users/404/')
      assert.deepEqual([status, JSON.parse(body)], [404, NOT_FOUND])
    })
})

const WRITES = [
  ['a title that it takes', { title: 'Baker' }, 200, { ...user, title: 'Baker' }],
  ['a phone that is none', { phone: 'x' }, 400, { phone: ['Enter a valid phone number.'] }],
] as const

for (const [what, patch, expected, body] of WRITES) {
  test(`${what}: the change is passed on once, and the answer back`, async (t) => {
    await somebody()
      .uponReceiving(`a change of a user by ${what}`)
      .withRequest('PATCH', userPath, (request) => request.headers({ ...PASSED_ON, ...JSON_HEADERS }).jsonBody(patch))
      .willRespondWith(expected, (response) => response.headers(ANSWERED).jsonBody(body as never))
      .executeTest(async ({ url }) => {
        const init = { method: 'PATCH', headers: JSON_HEADERS, body: JSON.stringify(patch) }
        assert.equal((await passedOn(t, url, '/users/42/', init)).status, expected)
      })
  })
}

test('503: that it is unavailable is its client’s to hear, with when to come back', async (t) => {
  await pact
    .addInteraction()
    .given('it is under maintenance')
    .uponReceiving('a question when it is under maintenance')
    .withRequest('GET', '/users/42/', (request) => request.headers(PASSED_ON))
    .willRespondWith(503, (response) => response.headers(RETRY_HEADERS))
    .executeTest(async ({ url }) => {
      const { status, headers } = await passedOn(t, url, '/users/42/')
      assert.deepEqual([status, headers.get('retry-after')], [503, RETRY_AFTER_S])
    })
})
