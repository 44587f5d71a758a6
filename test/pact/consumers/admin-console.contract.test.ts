// The contract of an admin console, as its team would write it: commands, and how they are refused.
import assert from 'node:assert/strict'
import { MatchersV3 } from '@pact-foundation/pact'
import type { Scope } from '../../../src/domain/principal.ts'
import { keptPact, SERVICE } from '../kept.ts'
import {
  BEARER,
  ETAG,
  JSON_SENT,
  JSON_TYPE,
  jsonOf,
  mayScopes,
  PROBLEM_TYPE,
  problem,
  sent,
  TIME,
  USER_ID,
  USERNAME,
  userPath,
  written,
} from './agreed.ts'

const { eachLike, fromProviderState, integer, regex, string } = MatchersV3
const BRANCH = 'B001'
const OLD_ETAG = '"9d4a9880.3.u.4"'
const ADMINISTRATOR: Scope[] = ['users:read', 'users:write', 'users:pii', 'users:audit', 'roles:write']
const NAMES = { givenName: 'Ann', familyName: 'Lee' }

const { pact, test } = keptPact({ consumer: 'admin-console', provider: SERVICE, folder: 'consumers' })

/** The part of the console that asks. A refusal is shown by its code; one of a field beside that field. */
async function ask(url: string, method: string, path: string, body?: object, headers = {}): Promise<string> {
  const withBody = body && { body: JSON.stringify(body) }
  const answer = await fetch(url + path, { method, headers: sent({ ...JSON_SENT, ...headers }), ...withBody })
  const { code, errors, version } = await jsonOf(answer)
  return `${answer.status} ${code ?? `version ${version}`}${errors ? ` at ${errors[0].pointer}` : ''}`
}
const given = (state: string, parameters = {}) =>
  pact
    .addInteraction()
    .given(...mayScopes(...ADMINISTRATOR))
    .given(state, parameters)
const somebody = () => given('a cashier works at the branch', { branchId: BRANCH })

test('a user is registered', async () => {
  await given('nobody has the username')
    .uponReceiving('a registration')
    .withRequest('POST', '/v1/users', (request) =>
      request
        .headers({ ...BEARER, ...JSON_SENT })
        .jsonBody({ username: fromProviderState(`\${freeUsername}`, USERNAME), homeBranchId: BRANCH, ...NAMES }),
    )
    .willRespondWith(201, (response) =>
      response
        .headers({ ...JSON_TYPE, ETag: ETAG, Location: regex('^/v1/users/[1-9][0-9]*$', `/v1/users/${USER_ID}`) })
        .jsonBody(written),
    )
    .executeTest(async ({ url }) =>
      assert.equal(
        await ask(url, 'POST', '/v1/users', { username: USERNAME, homeBranchId: BRANCH, ...NAMES }),
        '201 version 6',
      ),
    )
})

test('a username is taken', async () => {
  await somebody()
    .uponReceiving('a registration by a username that somebody has')
    .withRequest('POST', '/v1/users', (request) =>
      request
        .headers({ ...BEARER, ...JSON_SENT })
        .jsonBody({ username: fromProviderState(`\${username}`, USERNAME), ...NAMES }),
    )
    .willRespondWith(409, (response) => response.headers(PROBLEM_TYPE).jsonBody(problem(409, 'username-taken')))
    .executeTest(async ({ url }) =>
      assert.equal(await ask(url, 'POST', '/v1/users', { username: USERNAME, ...NAMES }), '409 username-taken'),
    )
})

test('details are changed, of the version that was looked at', async () => {
  await somebody()
    .uponReceiving('a change of details')
    .withRequest('PATCH', userPath(), (request) =>
      request
        .headers({ ...BEARER, ...JSON_SENT, 'If-Match': fromProviderState(`\${etag}`, OLD_ETAG) })
        .jsonBody({ jobTitle: 'Branch manager' }),
    )
    .willRespondWith(200, (response) => response.headers({ ...JSON_TYPE, ETag: ETAG }).jsonBody(written))
    .executeTest(async ({ url }) =>
      assert.equal(
        await ask(url, 'PATCH', `/v1/users/${USER_ID}`, { jobTitle: 'Branch manager' }, { 'if-match': OLD_ETAG }),
        '200 version 6',
      ),
    )
})

test('somebody else was faster', async () => {
  await given('a user was changed after they were looked at')
    .uponReceiving('a change of details that somebody else has changed')
    .withRequest('PATCH', userPath(), (request) =>
      request
        .headers({ ...BEARER, ...JSON_SENT, 'If-Match': fromProviderState(`\${etag}`, OLD_ETAG) })
        .jsonBody({ jobTitle: 'Trainee' }),
    )
    .willRespondWith(412, (response) => response.headers(PROBLEM_TYPE).jsonBody(problem(412, 'version-conflict')))
    .executeTest(async ({ url }) =>
      assert.equal(
        await ask(url, 'PATCH', `/v1/users/${USER_ID}`, { jobTitle: 'Trainee' }, { 'if-match': OLD_ETAG }),
        '412 version-conflict',
      ),
    )
})

type Command = [what: string, method: string, rest: string, body: object | undefined, query?: Record<string, string>]
const COMMANDS: Command[] = [
  ['suspend somebody', 'POST', '/suspend', undefined],
  ['assign a branch', 'PUT', '/branches/B014', { home: true }],
  ['grant a role at a branch', 'PUT', '/roles/cashier', undefined, { branchId: BRANCH }],
  ['revoke a role at a branch', 'DELETE', '/roles/cashier', undefined, { branchId: BRANCH }],
  ['set a limit', 'PUT', '/limits/refund-amount', { value: 50_000 }],
  ['set a preference', 'PUT', '/preferences/theme', { value: 'dark' }],
]
for (const [what, method, rest, body, query = {}] of COMMANDS) {
  test(`a command to ${what}`, async () => {
    await somebody()
      .uponReceiving(`a command to ${what}`)
      .withRequest(method, userPath(rest), (request) => {
        request.headers({ ...BEARER, ...(body === undefined ? {} : JSON_SENT) }).query(query)
        if (body !== undefined) request.jsonBody(body as never)
      })
      .willRespondWith(200, (response) => response.headers({ ...JSON_TYPE, ETag: ETAG }).jsonBody(written))
      .executeTest(async ({ url }) => {
        const search = new URLSearchParams(query).toString()
        const path = `/v1/users/${USER_ID}${rest}${search && `?${search}`}`
        assert.equal(await ask(url, method, path, body), '200 version 6')
      })
  })
}

test('a role is granted only at a branch of the user’s', async () => {
  await somebody()
    .uponReceiving('a command to grant a role at a branch where they do not work')
    .withRequest('PUT', userPath('/roles/cashier'), (request) => request.headers(BEARER).query({ branchId: 'B777' }))
    .willRespondWith(409, (response) => response.headers(PROBLEM_TYPE).jsonBody(problem(409, 'branch-not-assigned')))
    .executeTest(async ({ url }) =>
      assert.match(await ask(url, 'PUT', `/v1/users/${USER_ID}/roles/cashier?branchId=B777`), /^409 /),
    )
})

test('a fault is named, so that it can be shown beside its field', async () => {
  const errors = [{ in: 'body', pointer: '/value', detail: string('Too small.') }]
  await somebody()
    .uponReceiving('a command to set a limit below nothing')
    .withRequest('PUT', userPath('/limits/refund-amount'), (request) =>
      request.headers({ ...BEARER, ...JSON_SENT }).jsonBody({ value: -5 }),
    )
    .willRespondWith(400, (response) =>
      response.headers(PROBLEM_TYPE).jsonBody({ ...problem(400, 'invalid-request'), errors }),
    )
    .executeTest(async ({ url }) =>
      assert.equal(
        await ask(url, 'PUT', `/v1/users/${USER_ID}/limits/refund-amount`, { value: -5 }),
        '400 invalid-request at /value',
      ),
    )
})

test('whoever may only read is told which scope is lacking', async () => {
  await pact
    .addInteraction()
    .given(...mayScopes('users:read'))
    .given('a cashier works at the branch', { branchId: BRANCH })
    .uponReceiving('a command of somebody who may only read')
    .withRequest('POST', userPath('/suspend'), (request) => request.headers(BEARER))
    .willRespondWith(403, (response) =>
      response
        .headers({
          ...PROBLEM_TYPE,
          'WWW-Authenticate': regex('^Bearer .*scope="users:write".*', 'Bearer scope="users:write"'),
        })
        .jsonBody(problem(403, 'missing-scope')),
    )
    .executeTest(async ({ url }) =>
      assert.equal(await ask(url, 'POST', `/v1/users/${USER_ID}/suspend`), '403 missing-scope'),
    )
})

test('what was done to somebody', async () => {
  await given('somebody’s title was changed')
    .uponReceiving('a question for what was done to a user')
    .withRequest('GET', userPath('/history'), (request) => request.headers(BEARER).query({ limit: '1' }))
    .willRespondWith(200, (response) =>
      response.headers(JSON_TYPE).jsonBody({
        items: [
          {
            ...{ seq: integer(2), at: TIME, type: 'details-changed', by: { subject: string('an-administrator') } },
            changes: [{ field: 'jobTitle', before: string('Cashier'), after: string('Baker') }],
          },
        ],
        nextCursor: string('more'),
      }),
    )
    .executeTest(async ({ url }) => {
      const answer = await fetch(`${url}/v1/users/${USER_ID}/history?limit=1`, { headers: sent() })
      const { items } = await jsonOf(answer)
      assert.deepEqual(items[0].changes[0], { field: 'jobTitle', before: 'Cashier', after: 'Baker' })
    })
})

test('which roles there are, and what they may', async () => {
  const permission = { permission: string('receipt.void'), effect: regex('^(?:allow|approve)$', 'allow') }
  const role = { role: string('cashier'), title: string('Cashier'), permissions: eachLike(permission) }
  await somebody()
    .uponReceiving('a question for the roles')
    .withRequest('GET', '/v1/roles', (request) => request.headers(BEARER))
    .willRespondWith(200, (response) => response.headers(JSON_TYPE).jsonBody({ roles: eachLike(role) }))
    .executeTest(async ({ url }) => {
      const { roles } = await jsonOf(await fetch(`${url}/v1/roles`, { headers: sent() }))
      assert.deepEqual([roles.length, roles[0].role], [1, 'cashier'])
    })
})
