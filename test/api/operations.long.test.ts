import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { wireApi } from '../../src/wiring.ts'
import { asking, NO_TOKEN } from '../support/authorised.ts'
import { quiet, startService, type TestService } from '../support/service.ts'
import { bearer, developmentToken } from '../support/tokens.ts'
import { type Api, type Ask, apiClient, operationOf } from './client.ts'

let service: TestService
let api: Api
before(async () => {
  service = await startService()
  api = await apiClient(service.app)
  await api.role('cashier', 'receipt.void', 'approve:refund')
})
after(() => service?.close())

const get = (url: string): Ask => ({ method: 'GET', url })
const user = async (rest = '', details = {}) => `/v1/users/${await api.somebody(details)}${rest}`
const defined = { title: 'Clerk', privileged: false, permissions: [{ permission: 'a', effect: 'allow' }] }
const BREAKER = '/v1/breakers/branches-service'
const ROUTE = '/v1/strangler/routes/get-user'
let made = 0
/** A name that nothing has yet. */
const fresh = (prefix: string) => {
  made += 1
  return `${prefix}-${made}`
}
async function put(url: string, body?: unknown): Promise<string> {
  assert.equal((await api.put(url, body)).statusCode, 200)
  return url
}
async function post(url: string): Promise<void> {
  assert.equal((await api.post(url)).statusCode, 200)
}
async function terminated(rest: string): Promise<string> {
  const path = await user()
  await post(`${path}/terminate`)
  return `${path}${rest}`
}

/** One request an operation that succeeds, and, if it is a command, changes something. */
const GOOD: Record<string, () => Promise<Ask>> = {
  getUser: async () => get(await user()),
  getUserByUsername: async () => {
    const username = fresh('known')
    await api.somebody({ username })
    return get(`/v1/users/by-username/${username}`)
  },
  listUsers: async () => get('/v1/users?limit=2'),
  getPermissions: async () => get(await user('/permissions?branchId=B001')),
  checkPermission: async () => get(await user('/permissions/receipt.void')),
  getProfile: async () => get(await user('/profile')),
  getHistory: async () => get(await user('/history?limit=2')),
  getRoster: async () => get('/v1/branches/B001/users?limit=2'),
  listRoles: async () => get('/v1/roles'),
  getRole: async () => get('/v1/roles/cashier'),
  registerUser: async () => ({
    method: 'POST',
    url: '/v1/users',
    body: { username: fresh('new'), givenName: 'Ann', familyName: 'Lee', homeBranchId: 'B001' },
  }),
  changeDetails: async () => ({ method: 'PATCH', url: await user(), body: { jobTitle: 'Clerk' } }),
  suspendUser: async () => ({ method: 'POST', url: await user('/suspend') }),
  reinstateUser: async () => {
    const path = await user()
    await post(`${path}/suspend`)
    return { method: 'POST', url: `${path}/reinstate` }
  },
  terminateUser: async () => ({ method: 'POST', url: await user('/terminate') }),
  assignBranch: async () => ({ method: 'PUT', url: await user('/branches/B001'), body: { home: true } }),
  unassignBranch: async () => ({ method: 'DELETE', url: await put(await user('/branches/B001'), {}) }),
  grantRole: async () => ({ method: 'PUT', url: await user('/roles/cashier') }),
  revokeRole: async () => ({ method: 'DELETE', url: await put(await user('/roles/cashier')) }),
  setLimit: async () => ({ method: 'PUT', url: await user('/limits/cash-drop'), body: { value: 500 } }),
  removeLimit: async () => ({ method: 'DELETE', url: await put(await user('/limits/cash-drop'), { value: 5 }) }),
  setPreference: async () => ({ method: 'PUT', url: await user('/preferences/theme'), body: { value: 'dark' } }),
  removePreference: async () => ({
    method: 'DELETE',
    url: await put(await user('/preferences/theme'), { value: 'dark' }),
  }),
  defineRole: async () => ({ method: 'PUT', url: `/v1/roles/${fresh('role')}`, body: defined }),
  removeRole: async () => ({ method: 'DELETE', url: await put(`/v1/roles/${fresh('role')}`, defined) }),
  listBreakers: async () => get('/v1/breakers'),
  forceBreaker: async () => ({ method: 'PUT', url: BREAKER, body: { forced: 'closed', reason: fresh('reason') } }),
  releaseBreaker: async () => ({
    method: 'DELETE',
    url: await put(BREAKER, { forced: 'closed', reason: fresh('reason') }),
  }),
  listRoutes: async () => get('/v1/strangler/routes'),
  setRoute: async () => ({ method: 'PUT', url: ROUTE, body: { mode: 'legacy', reason: fresh('reason') } }),
  resetRoute: async () => ({ method: 'DELETE', url: await put(ROUTE, { mode: 'legacy', reason: fresh('reason') }) }),
  isAlive: async () => get('/health/live'),
  isReady: async () => get('/health/ready'),
  howConsistent: async () => get('/health/consistency'),
}

type Refusal = { operation: string; status: number; code: string; when: string; ask: () => Promise<Ask> | Ask } & {
  /** Absent: the service as it is. */
  of?: () => Promise<Api>
}
const refused = (operation: string, status: number, code: string, when: string, ask: Refusal['ask']): Refusal => ({
  operation,
  status,
  code,
  when,
  ask,
})
const nobody = '/v1/users/999999'
const bad = (operation: string, when: string, ask: Ask) => refused(operation, 400, 'invalid-request', when, () => ask)
const missing = (operation: string, ask: Ask) =>
  refused(operation, 404, 'user-not-found', 'there is no such user', () => ask)
const done = (operation: string, method: Ask['method'], rest: string, body?: unknown) =>
  refused(operation, 409, 'user-terminated', 'the user is terminated', async () => ({
    method,
    url: await terminated(rest),
    body,
  }))

const otherKey = (operation: string, rest: string, before = '') =>
  refused(operation, 422, 'idempotency-key-reused', 'the key was used for somebody else', async () => {
    const headers = { 'idempotency-key': fresh('key') }
    const somebody = await user()
    if (before) await post(`${somebody}${before}`)
    assert.equal((await api.post(`${somebody}${rest}`, undefined, headers)).statusCode, 200)
    return { method: 'POST', url: await user(rest), headers }
  })

/** Everything else that an operation may answer. What holds for all alike (304, 412, 413, 415, 503) is tested below. */
const REFUSALS: Refusal[] = [
  bad('getUser', 'the id is no number', get('/v1/users/x')),
  missing('getUser', get(nobody)),
  bad('getUserByUsername', 'the username has a control character', get('/v1/users/by-username/a%07')),
  refused('getUserByUsername', 404, 'user-not-found', 'nobody has it', () => get('/v1/users/by-username/nobody')),
  bad('getProfile', 'a part is unknown', get('/v1/users/1/profile?include=salary')),
  missing('getProfile', get(`${nobody}/profile`)),
  bad('getHistory', 'the page is too great', get('/v1/users/1/history?limit=201')),
  refused('getHistory', 400, 'invalid-cursor', 'the cursor is made up', () => get('/v1/users/1/history?cursor=abcd')),
  missing('getHistory', get(`${nobody}/history`)),
  bad('listUsers', 'a filter is unknown', get('/v1/users?sort=name')),
  refused('listUsers', 400, 'invalid-cursor', 'the cursor is made up', () => get('/v1/users?cursor=abcd')),
  refused('listUsers', 422, 'ids-stand-alone', 'ids has company', () => get('/v1/users?ids=1&limit=2')),
  bad('getPermissions', 'the branch is malformed', get('/v1/users/1/permissions?branchId=a_b')),
  missing('getPermissions', get(`${nobody}/permissions`)),
  bad('checkPermission', 'the permission is malformed', get('/v1/users/1/permissions/a%20b')),
  missing('checkPermission', get(`${nobody}/permissions/a`)),
  bad('getRoster', 'the branch is malformed', get('/v1/branches/a_b/users')),
  bad('listRoles', 'there is a filter', get('/v1/roles?q=a')),
  bad('getRole', 'the name is malformed', get('/v1/roles/a%20b')),
  refused('getRole', 404, 'role-not-found', 'there is none', () => get('/v1/roles/none')),
  bad('registerUser', 'names are missing', { method: 'POST', url: '/v1/users', body: { username: 'abc' } }),
  refused('registerUser', 409, 'username-taken', 'the username is taken', async () => {
    const username = fresh('taken')
    await api.somebody({ username })
    return { method: 'POST', url: '/v1/users', body: { username, givenName: 'A', familyName: 'B' } }
  }),
  refused('registerUser', 422, 'idempotency-key-reused', 'the key was used for somebody else', async () => {
    const headers = { 'idempotency-key': fresh('key') }
    const body = { username: fresh('keyed'), givenName: 'A', familyName: 'B' }
    await api.post('/v1/users', body, headers)
    return { method: 'POST', url: '/v1/users', body: { ...body, givenName: 'C' }, headers }
  }),
  bad('changeDetails', 'the field is unknown', { method: 'PATCH', url: '/v1/users/1', body: { status: 'active' } }),
  missing('changeDetails', { method: 'PATCH', url: nobody, body: { jobTitle: 'x' } }),
  done('changeDetails', 'PATCH', '', { jobTitle: 'x' }),
  refused('changeDetails', 409, 'username-taken', 'the username is taken', async () => {
    const username = fresh('taken')
    await api.somebody({ username })
    return { method: 'PATCH', url: await user(), body: { username } }
  }),
  bad('suspendUser', 'the id is no number', { method: 'POST', url: '/v1/users/x/suspend' }),
  missing('suspendUser', { method: 'POST', url: `${nobody}/suspend` }),
  done('suspendUser', 'POST', '/suspend'),
  otherKey('suspendUser', '/suspend'),
  bad('reinstateUser', 'the id is no number', { method: 'POST', url: '/v1/users/x/reinstate' }),
  missing('reinstateUser', { method: 'POST', url: `${nobody}/reinstate` }),
  done('reinstateUser', 'POST', '/reinstate'),
  otherKey('reinstateUser', '/reinstate', '/suspend'),
  bad('terminateUser', 'the id is no number', { method: 'POST', url: '/v1/users/x/terminate' }),
  missing('terminateUser', { method: 'POST', url: `${nobody}/terminate` }),
  {
    ...refused(
      'terminateUser',
      409,
      'idempotency-key-in-use',
      'the first with this key is still under way',
      async () => ({
        method: 'POST',
        url: await user('/terminate'),
        headers: { 'idempotency-key': fresh('key') },
      }),
    ),
    of: keyInUse,
  },
  otherKey('terminateUser', '/terminate'),
  bad('assignBranch', 'home is false', { method: 'PUT', url: '/v1/users/1/branches/B1', body: { home: false } }),
  missing('assignBranch', { method: 'PUT', url: `${nobody}/branches/B1`, body: {} }),
  done('assignBranch', 'PUT', '/branches/B1', {}),
  refused('assignBranch', 409, 'too-many', 'there are 100 already', async () => {
    const userId = await api.somebody()
    for (let i = 0; i < 100; i += 1)
      await service.sql('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', userId, `N${i}`)
    return { method: 'PUT', url: `/v1/users/${userId}/branches/B1`, body: {} }
  }),
  bad('unassignBranch', 'the branch is malformed', { method: 'DELETE', url: '/v1/users/1/branches/a_b' }),
  missing('unassignBranch', { method: 'DELETE', url: `${nobody}/branches/B1` }),
  refused('unassignBranch', 409, 'branch-is-home', 'it is the home branch', async () => ({
    method: 'DELETE',
    url: await user('/branches/B1', { homeBranchId: 'B1' }),
  })),
  refused('unassignBranch', 409, 'branch-has-grants', 'a role is held there', async () => {
    const path = await user()
    const url = await put(`${path}/branches/B2`, {})
    await put(`${path}/roles/cashier?branchId=B2`)
    return { method: 'DELETE', url }
  }),
  bad('grantRole', 'the branch is malformed', { method: 'PUT', url: '/v1/users/1/roles/cashier?branchId=a_b' }),
  missing('grantRole', { method: 'PUT', url: `${nobody}/roles/cashier` }),
  refused('grantRole', 404, 'role-not-found', 'there is no such role', async () => ({
    method: 'PUT',
    url: await user('/roles/none'),
  })),
  done('grantRole', 'PUT', '/roles/cashier'),
  refused('grantRole', 409, 'branch-not-assigned', 'the user does not work there', async () => ({
    method: 'PUT',
    url: await user('/roles/cashier?branchId=B9'),
  })),
  bad('revokeRole', 'the role is malformed', { method: 'DELETE', url: '/v1/users/1/roles/a%20b' }),
  missing('revokeRole', { method: 'DELETE', url: `${nobody}/roles/cashier` }),
  refused('revokeRole', 409, 'user-terminated', 'the holder is terminated', async () => {
    const path = await user()
    const url = await put(`${path}/roles/cashier`)
    await post(`${path}/terminate`)
    return { method: 'DELETE', url }
  }),
  bad('setLimit', 'the value is no number', {
    method: 'PUT',
    url: '/v1/users/1/limits/cash-drop',
    body: { value: 'x' },
  }),
  refused('setLimit', 404, 'limit-unknown', 'there is no such limit', async () => ({
    method: 'PUT',
    url: await user('/limits/none'),
    body: { value: 1 },
  })),
  missing('setLimit', { method: 'PUT', url: `${nobody}/limits/cash-drop`, body: { value: 1 } }),
  done('setLimit', 'PUT', '/limits/cash-drop', { value: 1 }),
  refused('setLimit', 422, 'limit-out-of-range', 'it is above the limit’s range', async () => ({
    method: 'PUT',
    url: await user('/limits/discount-percent'),
    body: { value: 101 },
  })),
  bad('removeLimit', 'the name is malformed', { method: 'DELETE', url: '/v1/users/1/limits/a%20b' }),
  refused('removeLimit', 404, 'limit-unknown', 'there is no such limit', async () => ({
    method: 'DELETE',
    url: await user('/limits/none'),
  })),
  missing('removeLimit', { method: 'DELETE', url: `${nobody}/limits/cash-drop` }),
  refused('removeLimit', 409, 'user-terminated', 'the user is terminated', async () => {
    const path = await user()
    const url = await put(`${path}/limits/cash-drop`, { value: 1 })
    await post(`${path}/terminate`)
    return { method: 'DELETE', url }
  }),
  bad('setPreference', 'the value is no text', { method: 'PUT', url: '/v1/users/1/preferences/a', body: { value: 1 } }),
  missing('setPreference', { method: 'PUT', url: `${nobody}/preferences/a`, body: { value: 'x' } }),
  done('setPreference', 'PUT', '/preferences/a', { value: 'x' }),
  refused('setPreference', 409, 'too-many', 'there are 100 already', async () => {
    const userId = await api.somebody()
    for (let i = 0; i < 100; i += 1)
      await service.sql('INSERT INTO user_preferences VALUES (?, ?, ?)', userId, `p${i}`, 'x')
    return { method: 'PUT', url: `/v1/users/${userId}/preferences/one-more`, body: { value: 'x' } }
  }),
  bad('removePreference', 'the key is malformed', { method: 'DELETE', url: '/v1/users/1/preferences/a%20b' }),
  missing('removePreference', { method: 'DELETE', url: `${nobody}/preferences/a` }),
  refused('removePreference', 409, 'user-terminated', 'the user is terminated', async () => {
    const path = await user()
    const url = await put(`${path}/preferences/a`, { value: 'x' })
    await post(`${path}/terminate`)
    return { method: 'DELETE', url }
  }),
  bad('defineRole', 'the effect is unknown', {
    method: 'PUT',
    url: '/v1/roles/clerk',
    body: { ...defined, permissions: [{ permission: 'a', effect: 'deny' }] },
  }),
  refused('defineRole', 409, 'too-many', 'the catalogue is full', async () => {
    const [row] = await service.query('SELECT COUNT(*) AS n FROM roles')
    for (let n = Number(row?.n); n < 500; n += 1)
      await service.sql('INSERT INTO roles VALUES (?, ?, 0)', `filler-${n}`, 'x')
    return { method: 'PUT', url: '/v1/roles/one-more', body: defined }
  }),
  refused('defineRole', 422, 'permission-twice', 'a permission is named twice', () => ({
    method: 'PUT',
    url: '/v1/roles/clerk',
    body: { ...defined, permissions: [...defined.permissions, ...defined.permissions] },
  })),
  bad('removeRole', 'the name is malformed', { method: 'DELETE', url: '/v1/roles/a%20b' }),
  refused('removeRole', 409, 'role-in-use', 'somebody holds it', async () => {
    await put(await user('/roles/cashier'))
    return { method: 'DELETE', url: '/v1/roles/cashier' }
  }),
  bad('listBreakers', 'there is a filter', get('/v1/breakers?q=a')),
  bad('forceBreaker', 'it is to be half open', {
    method: 'PUT',
    url: BREAKER,
    body: { forced: 'half-open', reason: 'x' },
  }),
  refused('forceBreaker', 404, 'neighbour-not-found', 'there is no such neighbour', () => ({
    method: 'PUT',
    url: '/v1/breakers/none',
    body: { forced: 'open', reason: 'x' },
  })),
  bad('releaseBreaker', 'the name is malformed', { method: 'DELETE', url: '/v1/breakers/a%20b' }),
  refused('releaseBreaker', 404, 'neighbour-not-found', 'there is no such neighbour', () => ({
    method: 'DELETE',
    url: '/v1/breakers/none',
  })),
  bad('listRoutes', 'there is a filter', get('/v1/strangler/routes?q=a')),
  bad('setRoute', 'a canary has no percentage', { method: 'PUT', url: ROUTE, body: { mode: 'canary', reason: 'x' } }),
  refused('setRoute', 404, 'route-not-found', 'there is no such route', () => ({
    method: 'PUT',
    url: '/v1/strangler/routes/none',
    body: { mode: 'native', reason: 'x' },
  })),
  refused('setRoute', 422, 'mode-not-allowed', 'it would do something twice', () => ({
    method: 'PUT',
    url: '/v1/strangler/routes/change-user',
    body: { mode: 'shadow', reason: 'x' },
  })),
  bad('resetRoute', 'the id is malformed', { method: 'DELETE', url: '/v1/strangler/routes/a%20b' }),
  refused('resetRoute', 404, 'route-not-found', 'there is no such route', () => ({
    method: 'DELETE',
    url: '/v1/strangler/routes/none',
  })),
]

const ID = /^[0-9a-f]{8}-/
const isOfHealth = (operation: string) => /^(is|how)/.test(operation)
/** What these show and change has no version. */
const isOfMoment = (operation: string) => /(Breaker|Route)s?$/.test(operation)
const isRead = (operation: string) => /^(get|list|check)/.test(operation) || isOfHealth(operation)
const isTagged = (operation: string) =>
  isRead(operation) && !['listUsers', 'getRoster', 'getProfile', 'getHistory'].includes(operation)

for (const [operation, ask] of Object.entries(GOOD)) {
  test(`${operation} succeeds, with the headers that go with it`, async () => {
    const asked = await ask()
    assert.equal(operationOf(api.document, asked)?.operation.operationId, operation)
    const answer = await api.ask(asked)
    assert.equal(answer.statusCode, operation === 'registerUser' ? 201 : 200, answer.body)
    assert.match(String(answer.headers['x-request-id']), ID)
    if (isOfHealth(operation)) return
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    const isCopy = isRead(operation) && !isOfMoment(operation)
    assert.equal(answer.headers['cache-control'], isCopy ? 'private, no-cache' : 'no-store')
    const readFrom = operation === 'getHistory' ? /^database$/ : /^(near|redis)$/
    assert.match(String(answer.headers['read-from']), isCopy ? readFrom : /^undefined$/)
    assert.equal(
      answer.headers.location,
      operation === 'registerUser' ? `/v1/users/${answer.json().userId}` : undefined,
    )
    assert.equal(answer.headers.visibility, undefined)
    const tag = answer.headers.etag
    if (isOfMoment(operation) || (!isTagged(operation) && isRead(operation))) return assert.equal(tag, undefined)
    const { version } = answer.json()
    assert.match(String(tag), /^"[0-9a-f]{8}\.\d+\.[upr]\.\d+(\.\d+)?"$/)
    if (version !== undefined) assert.ok(String(tag).endsWith(`.${version}"`), `${tag} is of version ${version}`)
  })
}

for (const { operation, status, code, when, ask, of = async () => api } of REFUSALS) {
  test(`${operation} answers ${status} ${code} when ${when}`, async () => {
    const asked = await ask()
    assert.equal(operationOf(api.document, asked)?.operation.operationId, operation)
    const answer = await (await of()).ask(asked)
    await service.sql("DELETE FROM roles WHERE role LIKE 'filler-%'")
    assert.equal(answer.statusCode, status, answer.body)
    assert.equal(answer.json().code, code)
    if (code === 'invalid-request') assert.ok(answer.json().errors.length > 0, 'it says where')
  })
}

/** Which answers are tested for all operations that document them alike, and with which code. */
const ALIKE: Record<string, { code: string | null; ask(asked: Ask): Promise<Ask> | Ask; of?(): Promise<Api> }> = {
  401: { code: 'token-missing', ask: (asked) => ({ ...asked, headers: { authorization: NO_TOKEN } }) },
  403: {
    code: 'missing-scope',
    ask: async (asked) => ({ ...asked, headers: { authorization: await powerless() } }),
  },
  429: { code: 'too-many-requests', ask: (asked) => asked, of: exhausted },
  304: {
    code: null,
    ask: async (asked) => ({ ...asked, headers: { 'if-none-match': String((await api.ask(asked)).headers.etag) } }),
  },
  405: { code: 'method-not-allowed', ask: (asked) => ({ method: 'TRACE', url: asked.url }) },
  412: {
    code: null,
    ask: (asked) => ({
      ...asked,
      headers: asked.method === 'GET' ? { 'min-version': 'user=9007199254740991' } : { 'if-match': '"another"' },
    }),
  },
  413: { code: 'body-too-large', ask: (asked) => ({ ...asked, raw: JSON.stringify({ value: 'x'.repeat(70_000) }) }) },
  415: {
    code: 'unsupported-media-type',
    ask: (asked) => ({ ...asked, raw: '<value/>', headers: { 'content-type': 'application/xml' } }),
  },
}
/** The same service with other parts. */
async function apiWith(parts: Partial<Parameters<typeof buildApp>[0]>): Promise<Api> {
  const app = await buildApp({ ...service.api, ...parts, http: service.config.http, log: quiet })
  after(() => app.close())
  return apiClient(asking(app, service.token))
}
/** Nobody has any requests left. */
function exhausted(): Promise<Api> {
  const none = { allowed: false, limit: 1, remaining: 0, resetS: 30 }
  const { access } = service.api
  return apiWith({
    hot: null,
    access: { ...access, limits: { ...access.limits, here: () => none, shared: async () => none } },
  })
}
/** As where two write at once; the embedded database lets the second wait for the first (test/contract/command-keys.ts). */
function keyInUse(): Promise<Api> {
  const update = async () => {
    throw new DomainError('idempotency-key-in-use', 'A request with this Idempotency-Key is still being carried out.')
  }
  const { commands } = service.api
  return apiWith({ commands: { ...commands, users: { ...commands.users, update } } })
}
/** May do nothing at all. */
const powerless = async () => bearer(await developmentToken(service.config, { scopes: [] }))

const documenting = (status: string) =>
  Object.values(api.document.paths).flatMap((methods) =>
    Object.values(methods).filter(({ responses }) => status in responses),
  )

for (const [status, { code, ask, of = async () => api }] of Object.entries(ALIKE)) {
  test(`whatever documents ${status} answers it`, async () => {
    const asking = await of()
    const operations = documenting(status)
    assert.ok(operations.length > 0)
    for (const { operationId } of operations) {
      const good = await GOOD[operationId]?.()
      assert.ok(good)
      const answer = await asking.ask(await ask(good))
      assert.equal(answer.statusCode, Number(status), `${operationId}: ${answer.body}`)
      assert.equal(code === null ? null : answer.json().code, code, operationId)
    }
  })
}

/** A request at fault where the document's example says that one is. */
function atFault(good: Ask, template: string, { in: place, pointer }: { in: string; pointer: string }): Ask {
  const name = pointer.slice(1)
  if (place === 'query') return { ...good, url: `${good.url.split('?')[0]}?${name}=0` }
  if (place === 'body') return { ...good, body: { ...(good.body as object), [name]: 'Zofia' } }
  const at = template.split('/').indexOf(`{${name}}`)
  const url = good.url.split('/').map((part, i) => (i === at ? '%07' : part))
  return { ...good, url: url.join('/') }
}

test('the example of each 400 is what a request that is so at fault is answered', async () => {
  for (const { operationId, responses } of documenting('400')) {
    const example = responses['400']?.content?.['application/problem+json']?.example
    const good = await GOOD[operationId]?.()
    assert.ok(example?.errors?.[0] && good, operationId)
    const { template } = operationOf(api.document, good) ?? assert.fail()
    const answer = await api.ask(atFault(good, template, example.errors[0]))
    assert.deepEqual({ ...(answer.json() as object), requestId: '' }, { ...example, requestId: '' }, operationId)
  }
})

test('every other example is of a refusal that is asked for in this file', () => {
  const asked = new Set(REFUSALS.map(({ operation, status, code }) => `${operation} ${status} ${code}`))
  for (const { operationId, responses } of documenting('400')) {
    for (const [status, { content }] of Object.entries(responses)) {
      const example = content?.['application/problem+json']?.example
      if (!example || status in ALIKE || ['400', '500', '503'].includes(status)) continue
      assert.ok(asked.has(`${operationId} ${status} ${example.code}`), `${operationId} ${status} ${example.code}`)
    }
  }
})

// Over DRDA the lock is waited for by the database itself (test/drda/failures.e2e.test.ts).
const skip = process.env.TEST_DATABASE === 'drda'
test('while too many writes wait for the database, each further command is 503 at once and writes nothing', {
  skip,
}, async () => {
  const commands = documenting('503').filter(({ operationId }) => !isRead(operationId))
  const asks = await Promise.all(commands.map(async ({ operationId }) => GOOD[operationId]?.()))
  const path = await user()
  const written = async () => (await service.query('SELECT COUNT(*) AS n FROM user_audit'))[0]?.n
  const before = Number(await written())
  const release = await service.database.holdWrites()
  const waiting = Array.from({ length: 256 }, (_, i) => api.patch(path, { jobTitle: `Clerk ${i}` }))
  try {
    for (const asked of asks) {
      assert.ok(asked)
      const answer = await api.ask(asked)
      assert.equal(answer.statusCode, 503, answer.body)
      assert.equal(answer.json().code, 'busy')
    }
  } finally {
    await release()
  }
  for (const answer of await Promise.all(waiting)) assert.equal(answer.statusCode, 200, answer.body)
  assert.equal(Number(await written()) - before, 256)
})

test('a query that can reach neither copy nor truth is 503, and says no more than that', async (t) => {
  const real = await wireApi(service.config, quiet)
  const unreachable = async () => {
    throw new DomainError('database-unavailable', 'The database does not answer.')
  }
  const unread = () => {
    throw new DomainError('database-unavailable', 'What operators have set could not be read yet.')
  }
  // A database that fails on demand is no part of the embedded one, so the ports themselves refuse here.
  const queries = {
    ...real.queries,
    views: { ...real.queries.views, byId: unreachable, byIds: unreachable, byUsername: unreachable },
    roles: { ...real.queries.roles, catalogue: unreachable },
    history: { history: unreachable },
    holders: unreachable,
    lists: { list: unreachable },
    switches: { settings: unread },
  }
  const app = asking(await buildApp({ ...real, queries, http: service.config.http, log: quiet }), service.token)
  t.after(async () => {
    await app.close()
    await real.close()
  })
  const cut = await apiClient(app)
  for (const { operationId } of documenting('503').filter(({ operationId }) => isRead(operationId))) {
    const asked = await GOOD[operationId]?.()
    assert.ok(asked)
    if (isOfHealth(operationId)) continue
    const answer = await cut.ask(asked)
    assert.equal(answer.statusCode, 503, `${operationId}: ${answer.body}`)
    assert.equal(answer.json().code, 'database-unavailable')
  }
})

test('what nobody could confirm says so, also when it was put together', async (t) => {
  const real = await wireApi(service.config, quiet)
  const { views, roles } = real.queries
  const queries = {
    ...real.queries,
    views: {
      byId: async (userId: number) => ({ ...(await views.byId(userId)), stale: true as const }),
      byIds: async (userIds: number[]) =>
        (await views.byIds(userIds)).map((user) => ({ ...user, stale: true as const })),
      byUsername: async (username: string) => {
        const user = await views.byUsername(username)
        return user && { ...user, stale: true as const }
      },
    },
    roles: { catalogue: async () => ({ ...(await roles.catalogue()), stale: true as const }) },
  }
  const app = asking(
    await buildApp({ ...real, queries, hot: null, http: service.config.http, log: quiet }),
    service.token,
  )
  t.after(async () => {
    await app.close()
    await real.close()
  })
  const cut = await apiClient(app)
  for (const operation of [
    'getUser',
    'getUserByUsername',
    'getProfile',
    'getPermissions',
    'checkPermission',
    'listRoles',
    'getRole',
  ]) {
    const asked = await GOOD[operation]?.()
    assert.ok(asked)
    assert.equal((await cut.ask(asked)).headers['read-stale'], 'true', operation)
    assert.equal((await api.ask(asked)).headers['read-stale'], undefined, operation)
  }
  assert.equal((await cut.ask(get('/v1/users?ids=1,2'))).headers['read-stale'], 'true')
})

test('every answer that the document promises is asked for in this file', () => {
  const asked = new Set<string>(REFUSALS.map(({ operation, status }) => `${operation} ${status}`))
  for (const operation of Object.keys(GOOD)) asked.add(`${operation} ${operation === 'registerUser' ? 201 : 200}`)
  const promised = Object.values(api.document.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId, responses }) =>
      Object.keys(responses)
        .filter((status) => !(status in ALIKE) && status !== '503' && status !== '500')
        .map((status) => `${operationId} ${status}`),
    ),
  )
  assert.deepEqual([...asked].sort(), promised.sort())
})
