import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startService, type TestService } from '../support/service.ts'
import { type Answer, type Api, type Ask, apiClient, readsOf } from './client.ts'
import { written } from './written.ts'

let service: TestService
let api: Api
before(async () => {
  service = await startService()
  api = await apiClient(service.app)
  await api.role('cashier', 'receipt.void')
})
after(() => service?.close())

const tagOf = (answer: Answer) => String(answer.headers.etag)
const user = async (details = {}) => `/v1/users/${await api.somebody(details)}`

test('If-None-Match is 304 without a body for the current tag, however it is written, and 200 for others', async () => {
  const username = 'conditional'
  const path = await user({ username })
  await api.put(`${path}/roles/cashier`)
  const reads = [...readsOf(path, username), '/v1/roles', '/v1/roles/cashier']
  for (const read of reads) {
    const tag = tagOf(await api.get(read))
    for (const held of [tag, `W/${tag}`, `"x", ${tag}`, `"x",W/${tag} , "y"`, '*', ' * ']) {
      const answer = await api.get(read, { 'if-none-match': held })
      assert.equal(answer.statusCode, 304, `${read} ${held}`)
      assert.equal(answer.body, '')
      assert.equal(tagOf(answer), tag)
      assert.equal(answer.headers['cache-control'], 'private, no-cache')
      assert.equal(answer.headers['content-type'], undefined)
    }
    for (const held of ['"x"', tag.slice(1, -1), tag.replace(/\d+"$/, '99999"'), '', ',,', '"*"', `w/${tag}`]) {
      assert.equal((await api.get(read, { 'if-none-match': held })).statusCode, 200, `${read} ${held}`)
    }
  }
})

test('a tag is good until something that the answer shows has changed', async () => {
  const path = await user()
  await api.put(`${path}/roles/cashier`)
  const permissions = tagOf(await api.get(`${path}/permissions`))
  const shown = tagOf(await api.get(path))
  await api.role('cashier', 'receipt.void', 'receipt.print')
  assert.equal((await api.get(path, { 'if-none-match': shown })).statusCode, 304)
  assert.equal((await api.get(`${path}/permissions`, { 'if-none-match': permissions })).statusCode, 200)
  await api.patch(path, { jobTitle: 'Clerk' })
  assert.equal((await api.get(path, { 'if-none-match': shown })).statusCode, 200)
})

test('an answer to a command has the tag that the next read has', async () => {
  const path = await user()
  const command = await api.patch(path, { jobTitle: 'Clerk' })
  assert.equal(tagOf(await api.get(path)), tagOf(command))
  assert.equal((await api.get(path)).json().version, command.json().version)
  const role = await api.put('/v1/roles/tagged', { title: 'Tagged', privileged: false, permissions: [] })
  assert.equal(tagOf(await api.get('/v1/roles')), tagOf(role))
})

test('of two who read the same version, the second to write is refused, and writes nothing', async () => {
  const path = await user()
  const read = tagOf(await api.get(path))
  const first = await api.patch(path, { jobTitle: 'Clerk' }, { 'if-match': read })
  assert.equal(first.statusCode, 200)
  const before = await written(service)
  const second = await api.patch(path, { jobTitle: 'Manager' }, { 'if-match': read })
  assert.equal(second.statusCode, 412)
  assert.equal(second.json().code, 'version-conflict')
  assert.deepEqual(await written(service), before)
  assert.equal((await api.get(path)).json().jobTitle, 'Clerk')
  const again = await api.patch(path, { jobTitle: 'Manager' }, { 'if-match': tagOf(first) })
  assert.equal(again.statusCode, 200)
})

test('of many who read the same version and write at once, one wins', async () => {
  const path = await user()
  const headers = { 'if-match': tagOf(await api.get(path)) }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => api.put(`${path}/limits/cash-drop`, { value: i }, headers)),
  )
  assert.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1)
  assert.equal(answers.filter(({ statusCode }) => statusCode === 412).length, 19)
})

test('If-Match names the current version strongly, alone or in a list; * and no header name none', async () => {
  const path = await user()
  let n = 0
  const change = (headers: Ask['headers']) => {
    n += 1
    return api.patch(path, { jobTitle: `Job ${n}` }, headers)
  }
  const table: [(tag: string, permissions: string) => string, number][] = [
    [(tag) => tag, 200],
    [(tag) => `"x", ${tag}`, 200],
    [(tag) => `${tag.replace(/\d+"$/, '1"')}, ${tag}`, 200],
    [(_, permissions) => permissions, 200],
    [() => '*', 200],
    [(tag) => `W/${tag}`, 412],
    [(tag) => tag.replaceAll('"', ''), 412],
    [(tag) => tag.replace('.u.', '.r.'), 412],
    [(tag) => tag.replace(/^"[^.]+/, '"ffffffff'), 412],
    [(tag) => tag.replace(/\d+"$/, '1"'), 412],
    [() => '""', 412],
    [() => '', 412],
  ]
  for (const [header, status] of table) {
    const tags = [tagOf(await api.get(path)), tagOf(await api.get(`${path}/permissions`))] as const
    assert.equal((await change({ 'if-match': header(...tags) })).statusCode, status, header(...tags))
  }
  assert.equal((await change({})).statusCode, 200)
})

test('the catalogue’s tag guards roles: whoever defined another role meanwhile wins', async () => {
  const tag = tagOf(await api.get('/v1/roles/cashier'))
  await api.role('meanwhile', 'a')
  const definition = { title: 'Guarded', privileged: false, permissions: [] }
  assert.equal((await api.put('/v1/roles/guarded', definition, { 'if-match': tag })).statusCode, 412)
  assert.equal((await api.del('/v1/roles/meanwhile', { 'if-match': tag })).statusCode, 412)
  const current = tagOf(await api.get('/v1/roles'))
  assert.equal((await api.put('/v1/roles/guarded', definition, { 'if-match': current })).statusCode, 200)
})

type Repeat = [what: string, path: () => Promise<string>, ask: (path: string) => Omit<Ask, 'headers'>]
const to = (method: Ask['method'], rest: string, body?: unknown) => (path: string) => ({
  method,
  url: `${path}${rest}`,
  body,
})
const catalogue = async () => '/v1/roles'
const REPEATS: Repeat[] = [
  ['a patch', user, to('PATCH', '', { jobTitle: 'Clerk', phone: null })],
  ['suspending', user, to('POST', '/suspend')],
  ['terminating', user, to('POST', '/terminate')],
  ['reinstating', user, to('POST', '/reinstate')],
  ['assigning a branch', user, to('PUT', '/branches/B1', {})],
  ['making a branch the home', user, to('PUT', '/branches/B1', { home: true })],
  ['unassigning a branch', () => user({ homeBranchId: 'B2' }), to('DELETE', '/branches/B1')],
  ['granting a role', user, to('PUT', '/roles/cashier')],
  ['revoking a role', user, to('DELETE', '/roles/cashier')],
  ['setting a limit', user, to('PUT', '/limits/cash-drop', { value: 7 })],
  ['removing a limit', user, to('DELETE', '/limits/cash-drop')],
  ['setting a preference', user, to('PUT', '/preferences/theme', { value: 'dark' })],
  ['removing a preference', user, to('DELETE', '/preferences/theme')],
  ['defining a role', catalogue, to('PUT', '/again', { title: 'A', privileged: true, permissions: [] })],
  ['removing a role', catalogue, to('DELETE', '/never')],
]

for (const [what, path, ask] of REPEATS) {
  test(`${what} again answers the same, whatever If-Match says, and writes nothing`, async () => {
    const asked = ask(await path())
    const first = await api.ask(asked)
    assert.equal(first.statusCode, 200, first.body)
    const before = await written(service)
    for (const headers of [{}, { 'if-match': '"outdated"' }]) {
      const again = await api.ask({ ...asked, headers })
      assert.equal(again.statusCode, 200, again.body)
      assert.equal(again.body, first.body)
      assert.equal(tagOf(again), tagOf(first))
    }
    assert.deepEqual(await written(service), before)
  })
}

test('what succeeded before a user was terminated still succeeds when repeated', async () => {
  const path = await user()
  const commands = [
    () => api.put(`${path}/limits/cash-drop`, { value: 7 }),
    () => api.put(`${path}/roles/cashier`),
    () => api.patch(path, { jobTitle: 'Clerk' }),
  ]
  for (const command of commands) assert.equal((await command()).statusCode, 200)
  await api.post(`${path}/terminate`)
  const before = await written(service)
  for (const command of commands) assert.equal((await command()).statusCode, 200)
  assert.deepEqual(await written(service), before)
})

test('an Idempotency-Key registers one user, however often and in whatever order of fields', async () => {
  const headers = { 'idempotency-key': 'key-once' }
  const first = await api.post('/v1/users', { username: 'once', givenName: 'Ann', familyName: 'Lee' }, headers)
  assert.equal(first.statusCode, 201)
  const before = await written(service)
  const again = await api.post('/v1/users', { familyName: 'Lee', givenName: 'Ann', username: 'once' }, headers)
  assert.equal(again.statusCode, 201)
  assert.equal(again.body, first.body)
  assert.equal(again.headers.location, first.headers.location)
  assert.deepEqual(await written(service), before)
})

test('a key that is sent many times at once registers one user', async () => {
  const headers = { 'idempotency-key': 'key-race' }
  const body = { username: 'race', givenName: 'Ann', familyName: 'Lee' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.post('/v1/users', body, headers)))
  assert.deepEqual([...new Set(answers.map(({ statusCode }) => statusCode))], [201])
  assert.equal(new Set(answers.map(({ body }) => body)).size, 1)
  assert.equal((await service.query("SELECT user_id FROM users WHERE username = 'race'")).length, 1)
})

test('a key whose registration failed may be used again', async () => {
  await api.somebody({ username: 'occupied' })
  const headers = { 'idempotency-key': 'key-failed' }
  const names = { givenName: 'Ann', familyName: 'Lee' }
  assert.equal((await api.post('/v1/users', { ...names, username: 'occupied' }, headers)).statusCode, 409)
  assert.equal((await api.post('/v1/users', { ...names, username: 'unoccupied' }, headers)).statusCode, 201)
})

test('an Idempotency-Key that is no visible ASCII, or too long, is 400', async () => {
  for (const key of ['', 'a b', 'é', 'x'.repeat(129)]) {
    const body = { username: 'keyless', givenName: 'Ann', familyName: 'Lee' }
    const answer = await api.post('/v1/users', body, { 'idempotency-key': key })
    assert.equal(answer.statusCode, 400, key)
    assert.deepEqual(answer.json().errors[0].in, 'header')
    assert.equal(answer.json().errors[0].pointer, '/idempotency-key')
  }
})

test('many at once who want one username: one gets it', async () => {
  const asks = Array.from({ length: 10 }, () =>
    api.post('/v1/users', { username: 'wanted', givenName: 'Ann', familyName: 'Lee' }),
  )
  const statuses = (await Promise.all(asks)).map(({ statusCode }) => statusCode).sort()
  assert.deepEqual(statuses, [201, ...Array(9).fill(409)])
})
