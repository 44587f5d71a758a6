import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Call, changes, everyObject } from '../api/documented.ts'
import { ofUser, startTarget, type Target } from './rig.ts'

let target: Target
const ends: (() => unknown)[] = []
before(async () => {
  target = await startTarget({ after: (end) => void ends.push(end) }, { worker: false })
  await target.done('PUT', '/v1/roles/cashier', { title: 'Cashier', privileged: false, permissions: [] })
  await target.somebody({ username: 'zofia.wojcik', homeBranchId: 'B001' })
})
after(async () => {
  for (const end of ends) await end()
})

/** What nobody sets by naming it: how it is called inside, in tokens, in the database, and in other programs. */
const INSIDE: Record<string, unknown> = {
  ...{ id: 2, user_id: 2, home_branch_id: 'B777', created_at: '2000-01-01 00:00:00.000', updated_at: null },
  ...{ admin: true, isAdmin: true, is_staff: true, is_superuser: true, scope: 'operate', scopes: ['operate'] },
  ...{ authority: { branches: null }, actor: 'admin', by: { name: 'admin' }, subject: 'admin', client: 'till' },
  ...{ context: {}, expectedVersions: null, events: [], type: 'user-terminated', at: '2000-01-01T00:00:00.000Z' },
  ...{ idempotency: null, requestId: 'mine', address: '10.0.0.1', seq: 1, epoch: 9, schema: 1 },
  ...{ Status: 'terminated', STATUS: 'terminated', 'status ': 'terminated', 'sta\u0000tus': 'terminated', '': 1 },
  ...{ 'branches[]': ['B777'], 'branches.0': 'B777', '/status': 'terminated', $set: { status: 'terminated' } },
}

/** Of everything that the document shows, in answers as in other requests, a value of its kind. */
function shownFields(): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const { properties } of everyObject(target.document.components.schemas)) {
    for (const [name, schema] of Object.entries((properties ?? {}) as Record<string, { examples?: unknown[] }>)) {
      found[name] ??= schema.examples?.[0] ?? true
    }
  }
  return found
}
const OF_A_USER = {
  status: 'terminated',
  version: 9_999,
  branches: ['B777'],
  roles: [{ role: 'cashier', branchId: null }],
}

const commands = () => target.calls.filter(changes)
const withBody = () => commands().filter(({ body }) => typeof body === 'object' && body !== null)
const isTaken = ({ fields }: Call, name: string) => Object.hasOwn(fields, name)

test('a field that a command does not name is refused, and named; nothing is changed by it', async () => {
  const foreign = { ...shownFields(), ...INSIDE, ...OF_A_USER }
  assert.ok(Object.keys(foreign).length > 60)
  for (const name of ['status', 'roles', 'version', 'userId', 'createdAt', 'branches', 'limits', 'privileged'])
    assert.ok(name in foreign, name)
  assert.ok(withBody().length >= 7)
  for (const call of withBody()) {
    const before = await target.written()
    for (const [name, value] of Object.entries(foreign)) {
      if (isTaken(call, name)) continue
      const body = { ...(call.body as object), [name]: value }
      const { status, text, json } = await target.send(call.method, call.url, { body })
      assert.equal(status, 400, `${call.name} with ${name}: ${text}`)
      const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      assert.deepEqual(json().errors, [{ in: 'body', pointer, detail: 'is not known here' }], call.name)
    }
    assert.deepEqual(await target.written(), before, call.name)
  }
})

test('nor is one deeper in a body', async () => {
  let tried = 0
  for (const call of withBody()) {
    const inner = JSON.stringify(call.body)
    for (const at of inner.matchAll(/\{/g)) {
      if (at.index === 0) continue
      const raw = `${inner.slice(0, at.index + 1)}"privileged":true,${inner.slice(at.index + 1)}`
      const before = await target.written()
      const { status, text } = await target.send(call.method, call.url, { raw })
      assert.equal(status, 400, `${call.name}: ${text}`)
      assert.match(text, /\/privileged","detail":"is not known here"/)
      assert.deepEqual(await target.written(), before)
      tried += 1
    }
  }
  assert.ok(tried > 0)
})

test('of a command that takes no body none is looked at: it does what it says, and nothing else', async () => {
  const without = commands().filter(({ body, template }) => body === undefined && template.includes('{userId}'))
  assert.ok(without.length >= 5)
  for (const call of without) {
    const [plain, attacked] = [
      await target.somebody({ homeBranchId: 'B001' }),
      await target.somebody({ homeBranchId: 'B001' }),
    ]
    const asked = await target.send(call.method, ofUser(call, plain))
    const body = { ...INSIDE, ...OF_A_USER, roles: ['area-manager'], homeBranchId: 'B777', email: 'mine@example.com' }
    const answer = await target.send(call.method, ofUser(call, attacked), { body })
    // Some media types and bodies are refused everywhere; whatever becomes of it, it is the same or nothing.
    const changed = bare(await target.rows(attacked))
    if (answer.status === asked.status) assert.deepEqual(changed, bare(await target.rows(plain)), call.name)
    else assert.ok([400, 415].includes(answer.status), `${call.name}: ${answer.text}`)
  }
})

/** What two users who were made alike differ in. */
function bare(rows: Record<string, Record<string, unknown>[]>) {
  const left = (row: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(row).filter(
        ([name]) => !/^(user_id|username|created_at|updated_at|.*_id)$/i.test(name) || /branch_id/i.test(name),
      ),
    )
  return Object.fromEntries(Object.entries(rows).map(([table, all]) => [table, all.map(left)]))
}

test('nor by the query: what a command does not name there is refused', async () => {
  for (const call of commands()) {
    const named = call.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
    const before = await target.written()
    for (const name of ['status', 'version', 'userId', 'role', 'branchId', 'scope', 'privileged', 'admin']) {
      if (named.includes(name)) continue
      const { status, text } = await target.send(call.method, `${call.url}?${name}=2`, { body: call.body })
      assert.equal(status, 400, `${call.name}?${name}: ${text}`)
    }
    assert.deepEqual(await target.written(), before, call.name)
  }
})

test('who commands, and when, stands in no request: not even in headers of such names', async () => {
  const id = await target.somebody()
  const said = {
    actor: 'admin',
    subject: 'admin',
    client: 'hr',
    'x-actor': 'admin',
    'x-forwarded-user': 'admin',
    'x-user-id': '1',
  }
  const headers = {
    ...said,
    'x-forwarded-for': '10.1.1.1',
    forwarded: 'for=10.1.1.1',
    date: 'Sat, 01 Jan 2000 00:00:00 GMT',
  }
  const answer = await target.send('PATCH', `/v1/users/${id}`, { body: { jobTitle: 'Baker' }, headers })
  assert.equal(answer.status, 200)
  const [row] = await target.service.query(
    'SELECT actor, address, event FROM user_audit WHERE entity_id = ? ORDER BY audit_id DESC',
    String(id),
  )
  assert.deepEqual([row?.actor, row?.address], ['tester', '127.0.0.1'])
  assert.doesNotMatch(String(row?.event), /2000-01-01|10\.1\.1\.1|admin/)
})

test('a person is registered as active, with no role, whatever the body says beside', async () => {
  const names = { givenName: 'Ann', familyName: 'Lee' }
  for (const more of [
    { status: 'suspended' },
    { roles: [{ role: 'cashier', branchId: null }] },
    { limits: { 'cash-drop': 1 } },
  ]) {
    const { status } = await target.send('POST', '/v1/users', { body: { username: 'mass.one', ...names, ...more } })
    assert.equal(status, 400)
  }
  const userId = await target.somebody()
  const shown = (await target.done('GET', `/v1/users/${userId}`)).json()
  assert.deepEqual([shown.status, shown.roles, shown.limits, shown.branches], ['active', [], {}, []])
})
