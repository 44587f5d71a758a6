import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eraseHistory } from '../../src/adapters/sql/audit-erase.ts'
import { UNLIMITED } from '../../src/domain/authority.ts'
import type { Scope } from '../../src/domain/principal.ts'
import { openDatabase } from '../../src/wiring-database.ts'
import { startService, type TestService } from '../support/service.ts'
import { bearer, developmentToken, type TokenClaims } from '../support/tokens.ts'
import { type Api, apiClient } from './client.ts'

let service: TestService
let api: Api
before(async () => {
  service = await startService({ worker: false })
  api = await apiClient(service.app)
  await api.role('cashier', 'receipt.void')
})
after(() => service?.close())

type Entry = {
  seq: number | null
  at: string
  type: string
  by: { subject: string; client: string | null }
  from: string
  requestId: string
  changes: { field: string; before: unknown; after: unknown; masked?: true }[] | null
}
type Page = { items: Entry[]; nextCursor: string | null }

const as = async (claims: TokenClaims) => ({ authorization: bearer(await developmentToken(service.config, claims)) })
const withScopes = (...scopes: Scope[]) => as({ scopes })

async function page(userId: number, query = '', headers: Record<string, string> = {}): Promise<Page> {
  const answer = await api.get(`/v1/users/${userId}/history${query}`, headers)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}
async function walk(userId: number, limit: number, between = async (): Promise<void> => undefined): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { items, nextCursor }: Page = await page(userId, `?limit=${limit}${cursor && `&cursor=${cursor}`}`)
    assert.ok(items.length <= limit)
    entries.push(...items)
    cursor = nextCursor
    await between()
  }
  return entries
}
const change = (field: string, was: unknown, is: unknown) => ({ field, before: was, after: is })
async function done(answer: Promise<{ statusCode: number; body: string }>): Promise<void> {
  const { statusCode, body } = await answer
  assert.ok(statusCode === 200 || statusCode === 201, body)
}

test('each command stands in it: who, when, from where, and what each field was', async () => {
  const headers = { ...(await as({ subject: 'ada', client: 'backoffice' })), 'x-request-id': 'asked-1' }
  const registered = await api.post(
    '/v1/users',
    { username: 'told', givenName: 'Ann', familyName: 'Lee', email: 'a@example.com', homeBranchId: 'B1' },
    headers,
  )
  const { userId } = registered.json()
  const path = `/v1/users/${userId}`
  await done(api.patch(path, { familyName: 'Poe', jobTitle: 'Clerk', email: null }, headers))
  await done(api.put(`${path}/branches/B2`, { home: true }, headers))
  await done(api.put(`${path}/roles/cashier?branchId=B2`, undefined, headers))
  await done(api.put(`${path}/limits/cash-drop`, { value: 5 }, headers))
  await done(api.put(`${path}/limits/cash-drop`, { value: 7 }, headers))
  await done(api.put(`${path}/preferences/theme`, { value: 'dark' }, headers))
  await done(api.del(`${path}/preferences/theme`, headers))
  await done(api.post(`${path}/suspend`, undefined, headers))
  const { items, nextCursor } = await page(userId)
  assert.equal(nextCursor, null)
  assert.deepEqual(
    items.map(({ seq, type, changes }) => [seq, type, changes]),
    [
      [10, 'user-suspended', [change('status', 'active', 'suspended')]],
      [9, 'preference-removed', [change('preferences.theme', 'dark', null)]],
      [8, 'preference-set', [change('preferences.theme', null, 'dark')]],
      [7, 'limit-set', [change('limits.cash-drop', 5, 7)]],
      [6, 'limit-set', [change('limits.cash-drop', null, 5)]],
      [5, 'role-granted', [change('roles', null, { role: 'cashier', branchId: 'B2' })]],
      [4, 'home-branch-changed', [change('homeBranchId', 'B1', 'B2')]],
      [3, 'branch-assigned', [change('branches', null, 'B2')]],
      [
        2,
        'details-changed',
        [change('familyName', 'Lee', 'Poe'), change('email', 'a@example.com', null), change('jobTitle', null, 'Clerk')],
      ],
      [
        1,
        'user-registered',
        [
          ...[change('username', null, 'told'), change('givenName', null, 'Ann'), change('familyName', null, 'Lee')],
          ...[change('email', null, 'a@example.com'), change('status', null, 'active')],
          ...[change('homeBranchId', null, 'B1'), change('branches', null, 'B1')],
        ],
      ],
    ],
  )
  for (const { by, from, requestId, at } of items) {
    assert.deepEqual([by, from, requestId], [{ subject: 'ada', client: 'backoffice' }, '127.0.0.1', 'asked-1'])
    assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  }
})

test('what changes nothing, or is refused, stands in no history', async () => {
  const userId = await api.somebody()
  await done(api.post(`/v1/users/${userId}/reinstate`))
  assert.equal((await api.put(`/v1/users/${userId}/roles/none`)).statusCode, 404)
  assert.equal((await page(userId)).items.length, 1)
})

test('page by page each entry comes once, the newest first, also while others are added', async () => {
  const userId = await api.somebody()
  for (let n = 0; n < 7; n += 1) await done(api.put(`/v1/users/${userId}/preferences/theme`, { value: `v${n}` }))
  const whole = (await walk(userId, 200)).map(({ seq }) => seq)
  assert.deepEqual(whole, [8, 7, 6, 5, 4, 3, 2, 1])
  for (const limit of [1, 3, 7, 8, 9])
    assert.deepEqual(
      (await walk(userId, limit)).map(({ seq }) => seq),
      whole,
    )
  let n = 0
  const meanwhile = await walk(userId, 2, async () => {
    n += 1
    await done(api.put(`/v1/users/${userId}/preferences/theme`, { value: `w${n}` }))
  })
  assert.deepEqual(
    meanwhile.map(({ seq }) => seq),
    whole,
  )
})

test('a cursor is one user’s, and nobody can make one up that shows another’s', async () => {
  const [userId, otherId] = [await api.somebody(), await api.somebody()]
  for (const id of [userId, otherId]) await done(api.post(`/v1/users/${id}/suspend`))
  const { nextCursor } = await page(userId, '?limit=1')
  assert.ok(nextCursor)
  const [version, hash, key] = JSON.parse(Buffer.from(nextCursor, 'base64url').toString())
  const made = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url')
  assert.equal(made([version, hash, key]), nextCursor)
  const refused = [
    [otherId, nextCursor],
    [userId, `${nextCursor}A`],
    [userId, made([version, 'AAAAAAAA', key])],
    ...['', '0', '-1', '1e3', '1 OR 1=1', '9007199254740992', "'", '1\u0000'].map((forged) => [
      userId,
      made([version, hash, forged]),
    ]),
  ] as const
  for (const [id, cursor] of refused) {
    const answer = await api.get(`/v1/users/${id}/history?cursor=${cursor}`)
    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'invalid-cursor'], String(cursor))
  }
  const list = (await api.get('/v1/users?limit=1')).json().nextCursor
  assert.equal((await api.get(`/v1/users/${userId}/history?cursor=${list}`)).json().code, 'invalid-cursor')
  assert.equal((await api.get(`/v1/users?cursor=${nextCursor}`)).json().code, 'invalid-cursor')
  for (const forged of ['1', '9007199254740991']) {
    const { items } = await page(userId, `?cursor=${made([version, hash, forged])}`)
    assert.ok(items.every(({ type }) => ['user-registered', 'user-suspended'].includes(type)) && items.length <= 2)
    for (const { requestId } of items) assert.ok((await page(userId)).items.some((one) => one.requestId === requestId))
  }
})

test('without users:pii it says that what is personal changed, and not into what', async () => {
  const userId = await api.somebody({ email: 'secret@example.com', phone: '+1 212 555 0100', employeeNumber: 'E-4711' })
  await done(api.patch(`/v1/users/${userId}`, { email: 'other@example.com', jobTitle: 'Clerk', phone: null }))
  const headers = await withScopes('users:audit')
  const answer = await api.get(`/v1/users/${userId}/history`, headers)
  assert.doesNotMatch(answer.body, /secret|other@|555|E-4711/)
  const [changed, registered] = (answer.json() as Page).items
  const hidden = (field: string) => ({ field, before: null, after: null, masked: true })
  const named = (entry: Entry | undefined) => Object.fromEntries(entry?.changes?.map((one) => [one.field, one]) ?? [])
  assert.deepEqual(named(changed), {
    email: hidden('email'),
    phone: hidden('phone'),
    jobTitle: change('jobTitle', null, 'Clerk'),
  })
  for (const field of ['email', 'phone', 'employeeNumber']) assert.deepEqual(named(registered)[field], hidden(field))
  const seen = await page(userId, '', await withScopes('users:audit', 'users:pii'))
  assert.deepEqual(named(seen.items[0]).email, change('email', 'secret@example.com', 'other@example.com'))
})

test('it is for users:audit alone', async () => {
  const userId = await api.somebody()
  await page(userId, '', await withScopes('users:audit'))
  const others = await withScopes('users:read', 'users:pii', 'users:write', 'roles:write', 'operate')
  for (const id of [userId, 999_999]) {
    const answer = await api.get(`/v1/users/${id}/history`, others)
    assert.deepEqual([answer.statusCode, answer.json().code], [403, 'missing-scope'])
  }
})

test('who is gone keeps theirs; whom only other programs wrote has none yet; nobody is 404', async () => {
  const userId = await api.somebody()
  await service.sql('DELETE FROM users WHERE user_id = ?', userId)
  assert.equal((await page(userId)).items.length, 1)
  await service.sql(
    `INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at)
     VALUES (4711, 'theirs', 'A', 'B', 'active', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
  )
  assert.deepEqual(await page(4_711), { items: [], nextCursor: null })
  const answer = await api.get('/v1/users/999999/history')
  assert.deepEqual([answer.statusCode, answer.json().code], [404, 'user-not-found'])
})

test('it is read from the database, and takes no Min-Version', async () => {
  const userId = await api.somebody()
  await service.redis.flush()
  const answer = await api.get(`/v1/users/${userId}/history`)
  assert.deepEqual([answer.statusCode, answer.headers['read-from']], [200, 'database'])
  assert.equal((await api.get(`/v1/users/${userId}/history`, { 'min-version': 'user=1' })).statusCode, 400)
})

test('what was erased, and what is older than chains, is shown as such', async (t) => {
  const userId = await api.somebody({ email: 'secret@example.com' })
  const database = openDatabase(service.config)
  t.after(database.close)
  const by = { name: 'dpo', requestId: '', address: 'office', ...UNLIMITED }
  await eraseHistory(database.database, { userId, reason: 'request 17', at: '2024-06-01T09:00:00.000Z', by })
  await service.sql(
    `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
     VALUES ('user', ?, 'user-suspended', '{"type":"user-suspended"}', 'older', 'r', '::1', '2020-01-01 00:00:00.000')`,
    String(userId),
  )
  const { items } = await page(userId)
  assert.deepEqual(
    items.map(({ seq, type, from, changes }) => [seq, type, from, changes]),
    [
      [null, 'user-suspended', '::1', [change('status', null, 'suspended')]],
      [2, 'history-erased', 'office', []],
      [1, 'user-registered', '-', null],
    ],
  )
})
