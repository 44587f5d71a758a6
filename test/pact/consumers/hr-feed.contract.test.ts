// The contract of an HR feed, as its team would write it: it follows what happens over Kafka, asks for what messages do not
// hold, and ends employments.
import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import { keptPact, SERVICE } from '../kept.ts'
import {
  BEARER,
  JSON_TYPE,
  jsonOf,
  mayScopes,
  PROBLEM_TYPE,
  problem,
  sent,
  TIME,
  theUser,
  USER_ID,
  userPath,
  written,
} from './agreed.ts'

const { arrayContaining, fromProviderState, integer, regex, string } = MatchersV3
const BRANCH = 'B001'
const NUMBER = 'E-0000042'

const { pact, test } = keptPact({ consumer: 'hr-feed', provider: SERVICE, folder: 'consumers' })
const given = (state: string, parameters = {}) =>
  pact
    .addInteraction()
    .given(...mayScopes('users:read', 'users:write', 'users:pii'))
    .given(state, parameters)

test('whom a message was about', async () => {
  await given('somebody has an employee number', { employeeNumber: NUMBER })
    .uponReceiving('a question for users by numbers')
    .withRequest('GET', '/v1/users', (request) =>
      request.headers(BEARER).query({ ids: fromProviderState(`\${userId}`, String(USER_ID)) }),
    )
    .willRespondWith(200, (response) =>
      response.headers(JSON_TYPE).jsonBody({
        items: [{ userId: theUser, employeeNumber: NUMBER, status: string('active'), updatedAt: TIME }],
        missing: [],
      }),
    )
    .executeTest(async ({ url }) => {
      const answer = await fetch(`${url}/v1/users?ids=${USER_ID}`, { headers: sent() })
      assert.equal((await jsonOf(answer)).items[0].employeeNumber, NUMBER)
    })
})

test('somebody has left', async () => {
  await given('somebody has an employee number', { employeeNumber: NUMBER })
    .uponReceiving('a command to terminate a user')
    .withRequest('POST', userPath('/terminate'), (request) => request.headers(BEARER))
    .willRespondWith(200, (response) => response.headers(JSON_TYPE).jsonBody(written))
    .executeTest(async ({ url }) => {
      const answer = await fetch(`${url}/v1/users/${USER_ID}/terminate`, { method: 'POST', headers: sent() })
      assert.equal(answer.status, 200)
    })
})

test('who has left stays as they were', async () => {
  await given('a user has left')
    .uponReceiving('a command to reinstate a user who has left')
    .withRequest('POST', userPath('/reinstate'), (request) => request.headers(BEARER))
    .willRespondWith(409, (response) => response.headers(PROBLEM_TYPE).jsonBody(problem(409, 'user-terminated')))
    .executeTest(async ({ url }) => {
      const answer = await fetch(`${url}/v1/users/${USER_ID}/reinstate`, { method: 'POST', headers: sent() })
      assert.equal((await jsonOf(answer)).code, 'user-terminated')
    })
})

/** A message's description ends with its name: by that a provider knows what to make (docs/contracts.md). */
const EVENT = 'users-service.'
const KEY = regex('^[1-9][0-9]*$', String(USER_ID))
const EVENT_METADATA = {
  topic: 'users.events',
  key: KEY,
  'header.content-type': regex(
    '^application/cloudevents[+]json(?:;.*)?$',
    'application/cloudevents+json; charset=utf-8',
  ),
}
type Message = { contents: { content: unknown } }
type Entry = { id: string; type: string; userId: number; branchId?: string }

/** The part of the feed that reads. */
function entryOf({ contents }: Message): Entry {
  const { id, type, data } = contents.content as { id: string; type: string; data: Entry }
  const { userId, branchId } = data
  return { id, type, userId, ...(branchId === undefined ? {} : { branchId }) }
}

const event = (name: string, data: object) => ({
  ...{
    specversion: '1.0',
    id: string('5f3a9c-1203'),
    source: regex('^urn:users-service:[0-9a-f]+$', 'urn:users-service:5f3a9c'),
  },
  ...{ type: name, subject: regex('^users/[1-9][0-9]*$', `users/${USER_ID}`), time: TIME, partitionkey: KEY },
  ...{ datacontenttype: 'application/json', sequence: regex('^[0-9]{16}$', '0000000000001203') },
  data: { userId: integer(USER_ID), at: TIME, ...data },
})
const EVENTS = {
  'user-registered': [
    'somebody was registered',
    { homeBranchId: BRANCH, changed: arrayContaining('username', 'givenName', 'familyName') },
    {},
  ],
  'user-terminated': ['somebody was terminated', {}, {}],
  'home-branch-changed': ['somebody was given another home branch', { branchId: string(BRANCH) }, { branchId: BRANCH }],
  'role-granted': [
    'somebody was granted a role',
    { role: string('cashier'), branchId: string(BRANCH) },
    { branchId: BRANCH },
  ],
} as const

for (const [name, [state, data, more]] of Object.entries(EVENTS)) {
  const type = `${EVENT}${name}.v1`
  test(`${state}: an event says so`, async () => {
    await pact
      .addAsynchronousInteraction()
      .given(state, { branchId: BRANCH })
      .expectsToReceive(`an event when ${state}: ${type}`, (message) =>
        message.withJSONContent(event(type, data)).withMetadata(EVENT_METADATA as never),
      )
      .executeTest(async (message) =>
        assert.deepEqual(entryOf(message), { id: '5f3a9c-1203', type, userId: USER_ID, ...more }),
      )
  })
}

const DATABASE_TIME = regex(
  '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}$',
  '2026-11-28 10:00:00.000',
)

test('somebody has changed, whoever has changed them', async () => {
  await pact
    .addAsynchronousInteraction()
    .given('somebody was registered', { branchId: BRANCH })
    .expectsToReceive('a message that a user has changed: change', (message) =>
      message
        .withJSONContent({
          ...{ v: 1, kind: 'change', entity: 'user', entityId: KEY, changeId: integer(123), changedAt: DATABASE_TIME },
        })
        .withMetadata({ topic: 'users.changes', key: KEY } as never),
    )
    .executeTest(async ({ contents }) => {
      assert.equal((contents.content as { entityId: string }).entityId, String(USER_ID))
    })
})

test('what was read is complete up to a time', async () => {
  await pact
    .addAsynchronousInteraction()
    .given('somebody was registered', { branchId: BRANCH })
    .expectsToReceive('a message how far changes are complete: mark', (message) =>
      message
        .withJSONContent({
          v: 1,
          kind: 'mark',
          mark: DATABASE_TIME,
          stream: string('5f3a9c.0d9f'),
          token: integer(7),
          at: integer(4711),
        })
        .withMetadata({ topic: 'users.changes' }),
    )
    .executeTest(async ({ contents }) => assert.match((contents.content as { mark: string }).mark, /^2026-11-28/))
})
