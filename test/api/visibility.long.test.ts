import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { ask } from '../../src/adapters/redis/one-question.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { type Api, apiClient } from './client.ts'

let service: TestService
let api: Api
before(async () => {
  service = await startService()
  api = await apiClient(service.app)
  await api.role('cashier', 'receipt.void', 'approve:refund')
  await api.role('manager', 'refund', 'report.read')
})
after(() => service?.close())

type Shown = { userId: number; username: string; status: string; familyName: string; version: number }
type Seen = Awaited<ReturnType<typeof everyRead>>

/** The user as each kind of read shows it; null where it is not shown. */
async function everyRead(userId: number, username: string, branchId: string, q: string, role: string) {
  const alone = async (url: string): Promise<Shown | null> => {
    const answer = await api.get(url)
    return answer.statusCode === 200 ? answer.json() : null
  }
  const among = async (url: string): Promise<Shown | null> => {
    const { items } = (await api.get(url)).json() as { items: Shown[] }
    return items.find((item) => item.userId === userId) ?? null
  }
  return {
    byId: await alone(`/v1/users/${userId}`),
    byUsername: await alone(`/v1/users/by-username/${username}`),
    byIds: await among(`/v1/users?ids=${userId}`),
    listed: await among(`/v1/users?limit=200`),
    roster: await among(`/v1/branches/${branchId}/users`),
    branch: await among(`/v1/users?branchId=${branchId}&limit=200`),
    name: await among(`/v1/users?q=${q}&limit=200`),
    role: await among(`/v1/users?role=${role}&limit=200`),
    status: await among(`/v1/users?status=suspended&limit=200`),
  }
}
const shownIn = (seen: Seen) =>
  Object.entries(seen)
    .filter(([, user]) => user !== null)
    .map(([read]) => read)
    .sort()
/** All that show the user show the same bytes. */
const agree = (seen: Seen, version: number) => {
  for (const [read, user] of Object.entries(seen)) {
    if (user === null) continue
    assert.equal(user.version, version, read)
    assert.deepEqual(user, seen.byId, read)
  }
}
const EVERYWHERE = ['branch', 'byId', 'byIds', 'byUsername', 'listed', 'name', 'roster']

test('each command’s change is in every read as soon as it is answered', async () => {
  const details = { username: 'vera.fresh', familyName: 'Żółw', givenName: 'Vera', homeBranchId: 'V1' }
  const registered = await api.post('/v1/users', details)
  const { userId } = registered.json()
  const path = `/v1/users/${userId}`
  let username = details.username
  let q = 'zolw+vera'
  let branch = 'V1'
  const look = () => everyRead(userId, username, branch, q, 'cashier')
  const step = async (answer: Promise<{ statusCode: number; body: string; json(): { version: number } }>) => {
    const { statusCode, body, json } = await answer
    assert.equal(statusCode, 200, body)
    const seen = await look()
    agree(seen, json().version)
    return seen
  }
  const atFirst = await look()
  agree(atFirst, registered.json().version)
  assert.deepEqual(shownIn(atFirst), EVERYWHERE)

  username = 'vera.renamed'
  q = 'novak'
  const renamed = await step(api.patch(path, { username, familyName: 'Novák' }))
  assert.deepEqual(shownIn(renamed), EVERYWHERE)
  const old = await everyRead(userId, 'vera.fresh', 'V1', 'zolw', 'cashier')
  assert.deepEqual([old.byUsername, old.name], [null, null])

  branch = 'V2'
  assert.deepEqual(shownIn(await step(api.put(`${path}/branches/V2`, { home: true }))), EVERYWHERE)
  await step(api.del(`${path}/branches/V1`))
  const left = await everyRead(userId, username, 'V1', q, 'cashier')
  assert.deepEqual([left.roster, left.branch], [null, null])

  assert.deepEqual(shownIn(await step(api.put(`${path}/roles/cashier?branchId=V2`))), [...EVERYWHERE, 'role'].sort())
  assert.deepEqual(shownIn(await step(api.del(`${path}/roles/cashier?branchId=V2`))), EVERYWHERE)
  await step(api.put(`${path}/limits/cash-drop`, { value: 3 }))
  await step(api.del(`${path}/limits/cash-drop`))
  await step(api.put(`${path}/preferences/theme`, { value: 'dark' }))
  await step(api.del(`${path}/preferences/theme`))
  const suspended = EVERYWHERE.filter((read) => read !== 'roster').concat('status')
  assert.deepEqual(shownIn(await step(api.post(`${path}/suspend`))), suspended)
  assert.deepEqual(shownIn(await step(api.post(`${path}/reinstate`))), EVERYWHERE)
  const gone = EVERYWHERE.filter((read) => read !== 'roster')
  assert.deepEqual(shownIn(await step(api.post(`${path}/terminate`))), gone)
})

test('who reads at the same time as commands change a user never sees a version go back', async () => {
  const userId = await api.somebody({ homeBranchId: 'M1' })
  const path = `/v1/users/${userId}`
  let running = true
  let acknowledged = 0
  const reader = async (url: string, pick: (body: { version: number; items: Shown[] }) => number | undefined) => {
    let last = 0
    while (running) {
      const owed = acknowledged
      const version = pick((await api.get(url)).json())
      assert.ok(version !== undefined && version >= owed && version >= last, `${url}: ${version} < ${owed} or ${last}`)
      last = version
      // What comes out of this process waits for nothing: nobody else would get a turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const readers = [
    reader(path, (body) => body.version),
    reader(`/v1/users?ids=${userId}`, (body) => body.items[0]?.version),
    reader('/v1/branches/M1/users', (body) => body.items[0]?.version),
  ]
  const settled = Promise.all(readers)
  try {
    for (let i = 0; i < 50; i += 1) {
      acknowledged = (await api.put(`${path}/limits/cash-drop`, { value: i })).json().version
    }
  } finally {
    running = false
    await settled
  }
})

test('what another program writes is soon in every read', async () => {
  const userId = await api.somebody({ username: 'foreign.one', homeBranchId: 'F1' })
  const look = () => everyRead(userId, 'foreign.two', 'F2', 'aalto', 'manager')
  assert.deepEqual(shownIn(await look()), ['byId', 'byIds', 'listed'])
  await service.sql("UPDATE users SET username = 'Foreign.Two', family_name = 'Aalto' WHERE user_id = ?", userId)
  await service.sql("INSERT INTO user_branches VALUES (?, 'F2')", userId)
  await service.sql("INSERT INTO user_roles VALUES (?, 'manager', NULL)", userId)
  const expected = [...EVERYWHERE, 'role'].sort().join()
  const seen = await until('the foreign rows are shown', async () => {
    const now = await look()
    const versions = new Set(Object.values(now).flatMap((user) => user?.version ?? []))
    return shownIn(now).join() === expected && versions.size === 1 && now
  })
  agree(seen, seen.byId?.version ?? 0)
  const decision = await api.get(`/v1/users/${userId}/permissions/report.read`)
  assert.equal(decision.json().decision, 'allow')
  await service.sql('DELETE FROM user_roles WHERE user_id = ?', userId)
  await service.sql('DELETE FROM user_branches WHERE user_id = ?', userId)
  await service.sql('DELETE FROM users WHERE user_id = ?', userId)
  await until('the deleted user is nowhere', async () => shownIn(await look()).length === 0)
  const missing = await api.get(`/v1/users?ids=${userId}`)
  assert.deepEqual(missing.json().missing, [userId])
})

test('a user that another program makes is found, and can be commanded', async () => {
  await service.sql(
    `INSERT INTO users (username, given_name, family_name, status, created_at, updated_at)
     VALUES ('OTHER.MADE', 'O''Brien; DROP', 'Ünal', 'active', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
  )
  const found = await until('the user is shown', async () => {
    const answer = await api.get('/v1/users/by-username/other.made')
    return answer.statusCode === 200 && (answer.json() as Shown)
  })
  assert.equal(found.username, 'OTHER.MADE')
  await until('the name is found', async () => (await api.get('/v1/users?q=unal')).json().items.length === 1)
  const answer = await api.patch(`/v1/users/${found.userId}`, { jobTitle: 'Clerk' })
  assert.equal(answer.statusCode, 200)
  const taken = await api.post('/v1/users', { username: 'other.made', givenName: 'A', familyName: 'B' })
  assert.equal(taken.statusCode, 409)
})

test('a role’s change is in force at once, for all who hold it, and in the catalogue', async () => {
  const userId = await api.somebody()
  await api.role('shifting', 'approve:till.open')
  await api.put(`/v1/users/${userId}/roles/shifting`)
  const decision = async () => (await api.get(`/v1/users/${userId}/permissions/till.open`)).json()
  assert.deepEqual([(await decision()).decision, (await decision()).reason], ['approve', 'granted'])
  await api.role('shifting', 'till.open')
  assert.equal((await decision()).decision, 'allow')
  assert.deepEqual((await api.get('/v1/roles/shifting')).json().permissions, [
    { permission: 'till.open', effect: 'allow' },
  ])
  await api.role('shifting', 'other')
  assert.equal((await decision()).reason, 'unknown-permission')
  await api.del(`/v1/users/${userId}/roles/shifting`)
  assert.equal((await api.del('/v1/roles/shifting')).statusCode, 200)
  assert.equal((await api.get('/v1/roles/shifting')).statusCode, 404)
  const { roles } = (await api.get('/v1/roles')).json() as { roles: { role: string }[] }
  assert.ok(!roles.some(({ role }) => role === 'shifting'))
})

test('effective permissions: everywhere, at the branch, the stronger of two, and none for who is not active', async () => {
  const userId = await api.somebody({ homeBranchId: 'P1' })
  const path = `/v1/users/${userId}`
  assert.equal((await api.put(`${path}/branches/P2`)).statusCode, 200, 'a body is not needed')
  await api.put(`${path}/roles/cashier`)
  await api.put(`${path}/roles/manager?branchId=P2`)
  await api.put(`${path}/limits/cash-drop`, { value: 100 })
  const everywhere = { role: 'cashier', branchId: null }
  const manager = { role: 'manager', branchId: 'P2' }
  const may = async (query = '') => {
    const { permissions } = (await api.get(`${path}/permissions${query}`)).json() as {
      permissions: { permission: string; effect: string; by: object }[]
    }
    return permissions.map(({ permission, effect, by }) => [permission, effect, by])
  }
  const check = async (permission: string, query = '') => {
    const answer = (await api.get(`${path}/permissions/${permission}${query}`)).json()
    return [answer.decision, answer.reason, answer.by]
  }
  const cashier = [
    ['receipt.void', 'allow', everywhere],
    ['refund', 'approve', everywhere],
  ]
  assert.deepEqual(await may(), [
    ['receipt.void', 'allow', everywhere],
    ['refund', 'approve', everywhere],
  ])
  assert.deepEqual(await may('?branchId=P1'), cashier)
  assert.deepEqual(await may('?branchId=P2'), [
    ['receipt.void', 'allow', everywhere],
    ['refund', 'allow', manager],
    ['report.read', 'allow', manager],
  ])
  assert.deepEqual(await check('refund'), ['approve', 'granted', everywhere])
  assert.deepEqual(await check('refund', '?branchId=P2'), ['allow', 'granted', manager])
  assert.deepEqual(await check('report.read'), ['deny', 'not-granted', null])
  assert.deepEqual(await check('toString'), ['deny', 'unknown-permission', null])

  await api.post(`${path}/suspend`)
  assert.deepEqual(await may('?branchId=P2'), [])
  assert.deepEqual(await check('refund'), ['deny', 'user-suspended', null])
  const suspended = (await api.get(`${path}/permissions`)).json()
  assert.deepEqual([suspended.status, suspended.limits], ['suspended', { 'cash-drop': 100 }])
  await api.post(`${path}/reinstate`)
  assert.deepEqual(await check('refund'), ['approve', 'granted', everywhere])
  await api.post(`${path}/terminate`)
  assert.deepEqual(await may('?branchId=P2'), [])
  assert.deepEqual(await check('refund'), ['deny', 'user-terminated', null])
})

test('a grant of another program at a branch that is not assigned gives nothing, and is counted', async () => {
  const userId = await api.somebody()
  await service.sql("INSERT INTO user_roles VALUES (?, 'manager', 'Z9')", userId)
  const answer = await until('the grant is noticed', async () => {
    const { ignoredGrants, permissions } = (await api.get(`/v1/users/${userId}/permissions?branchId=Z9`)).json()
    return ignoredGrants === 1 && permissions
  })
  assert.deepEqual(answer, [])
})

/** A service whose read models were built by a worker that has stopped since. */
async function withoutWorker(t: TestContext) {
  const alone = await startService({ worker: false, environment: { INLINE_PROJECTION_MS: '10000' } })
  t.after(() => alone.close())
  const worker = await alone.startWorker()
  await alone.built()
  await worker.stop()
  const client = await apiClient(alone.app)
  await client.role('cashier', 'receipt.void')
  return { alone, client }
}

test('a command projects its own change: without any worker the next read finds it there', async (t) => {
  const { client } = await withoutWorker(t)
  const userId = await client.somebody({ homeBranchId: 'W1' })
  for (const value of [1, 2, 3]) {
    const { version } = (await client.put(`/v1/users/${userId}/limits/cash-drop`, { value })).json()
    for (const url of [
      `/v1/users/${userId}`,
      `/v1/users?ids=${userId}`,
      '/v1/branches/W1/users',
      '/v1/users?q=wojcik',
    ]) {
      const answer = await client.get(url)
      const body = answer.json()
      assert.equal((body.items?.[0] ?? body).version, version, url)
      assert.notEqual(answer.headers['read-from'], 'database', url)
    }
  }
  await client.role('cashier', 'refund')
  const roles = await client.get('/v1/roles/cashier')
  assert.deepEqual([roles.headers['read-from'], roles.json().permissions[0].permission], ['redis', 'refund'])
})

test('a Redis too full for new copies shows nothing old: lists are put right from the database', async (t) => {
  const { alone, client } = await withoutWorker(t)
  const stays = await client.somebody({ homeBranchId: 'W1', familyName: 'Stays' })
  const moves = await client.somebody({ homeBranchId: 'W1', familyName: 'Moves' })
  assert.match(String(await ask(alone.redis.port, 'CONFIG SET maxmemory 1')), /OK/)
  const path = `/v1/users/${moves}`
  assert.equal((await client.put(`${path}/branches/W2`, { home: true })).headers.visibility, undefined)
  await client.del(`${path}/branches/W1`)
  await client.patch(path, { familyName: 'Moved' })
  const joins = await client.somebody({ homeBranchId: 'W1', familyName: 'Joins' })
  const ids = async (url: string) => {
    const answer = await client.get(url)
    assert.equal(answer.headers['read-from'], 'redis', url)
    return answer.json().items.map(({ userId }: { userId: number }) => userId)
  }
  assert.deepEqual(await ids('/v1/branches/W1/users'), [stays, joins])
  assert.deepEqual(await ids('/v1/branches/W2/users'), [moves])
  assert.deepEqual(await ids('/v1/users?q=moves'), [])
  assert.deepEqual(await ids('/v1/users?q=moved'), [moves])
  assert.deepEqual(await ids('/v1/users'), [stays, moves, joins])
  assert.equal((await client.get(path)).headers['read-from'], 'database')
  assert.equal((await client.get(path)).json().familyName, 'Moved')
})

test('without Redis every read but the search goes on, from the database, and commands are seen at once', async (t) => {
  const alone = await startService()
  t.after(() => alone.close())
  const client = await apiClient(alone.app)
  const userId = await client.somebody({ homeBranchId: 'B1' })
  const ready = await client.get('/health/ready')
  assert.deepEqual(ready.json().checks.redis, { state: 'ok' })
  await alone.redis.stop()
  const degraded = await until('readiness tells of it', async () => {
    const { ready, checks } = (await client.get('/health/ready')).json()
    return checks.redis.state === 'degraded' && { ready, checks }
  })
  assert.equal(degraded.ready, true)
  assert.match(degraded.checks.redis.why, /out of reach; reads come from the database/)
  const command = await client.patch(`/v1/users/${userId}`, { jobTitle: 'Clerk' })
  assert.equal(command.statusCode, 200)
  assert.equal(command.headers.visibility, 'pending')
  for (const url of [`/v1/users/${userId}`, `/v1/users?ids=${userId}`, '/v1/branches/B1/users', '/v1/users']) {
    const answer = await client.get(url)
    assert.equal(answer.headers['read-from'], 'database', url)
    const body = answer.json()
    assert.equal((body.items?.[0] ?? body).jobTitle, 'Clerk', url)
  }
  const search = await client.get('/v1/users?q=w')
  assert.deepEqual([search.statusCode, search.json().code], [503, 'search-unavailable'])
  assert.equal(search.json().detail, 'Redis, which holds the search index, cannot be read at present.')
  assert.equal((await client.get('/health/live')).statusCode, 200)
})
