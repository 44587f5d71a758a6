import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  connectClient,
  freshKeys,
  ofFile,
  openTruth,
  readModelsOf,
  redisOfFile,
} from '../../test/support/read-models.ts'
import { startTestRedis } from '../../test/support/redis.ts'
import { sqlRoleStore } from '../adapters/sql/role-store.ts'
import { sqlUserStore } from '../adapters/sql/user-store.ts'
import { UNLIMITED } from '../domain/authority.ts'
import type { User } from '../domain/user.ts'
import type { ReadModels } from '../ports.ts'
import type { Pause } from './pause.ts'
import { readModels } from './read-models.ts'
import { visibleWrites } from './visible-writes.ts'

/** Longer than projecting takes on a busy machine; where the deadline itself is tested, it is DEADLINE_MS. */
const AMPLE_MS = 5_000
const DEADLINE_MS = 30
const BY = { expectedVersions: null, by: { name: 'tester', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED } }

const { server } = await redisOfFile()
const source = await openTruth(ofFile, 20)

type Options = { url?: string; deadlineMs?: number; pause?: Pause; replace?: Partial<ReadModels> }

/** The stores over real parts; `calls` is what the read models were told, in order, and what was committed by then. */
async function start(t: TestContext, { url = server.url, deadlineMs = AMPLE_MS, replace = {}, ...more }: Options = {}) {
  const keys = freshKeys()
  const client = await connectClient(t, url, keys)
  const models = readModelsOf({ client, keys, truth: source.truth })
  await models.begin()
  const calls: string[] = []
  const real: ReadModels = {
    ...readModels({ ...models, redis: client, keys, truth: source.truth }),
    announce: () => undefined,
    ...replace,
  }
  const counted: ReadModels = {
    ...real,
    fenceUser: (userId, version) => {
      calls.push(`fence ${userId} at ${version}, committed ${versionOf(userId)}`)
      return real.fenceUser(userId, version)
    },
    fenceRoles: (version) => {
      calls.push(`fence roles at ${version}`)
      return real.fenceRoles(version)
    },
    projectUserNow: (userId) => {
      calls.push(`project ${userId}`)
      return real.projectUserNow(userId)
    },
    projectRolesNow: () => {
      calls.push('project roles')
      return real.projectRolesNow()
    },
    announce: () => {
      calls.push('announce')
      real.announce()
    },
  }
  const { database } = source
  const stores = visibleWrites({
    users: sqlUserStore(database),
    roles: sqlRoleStore(database),
    readModels: counted,
    floor: models.floor,
    deadlineMs,
    ...more,
  })
  return { keys, client, calls, ...models, stores }
}

/** As another connection sees it: committed. */
function versionOf(userId: number): number {
  const [row] = source.query(
    `SELECT SUM(version) AS version FROM entity_versions WHERE entity = 'user' AND entity_id = ?`,
    String(userId),
  )
  return Number(row?.version)
}
let titles = 0
/** A change that no other test makes. */
function retitle(user: User) {
  titles += 1
  const changes = { jobTitle: `Title ${titles}` }
  return [{ type: 'details-changed' as const, userId: user.id, changes, at: new Date().toISOString() }]
}

test('a committed command is fenced at its version, announced, and projected before it is answered', async (t) => {
  const { stores, calls, views } = await start(t)
  const { version, visible } = await stores.users.update(2, BY, retitle)
  assert.equal(visible, true)
  assert.deepEqual(calls, [`fence 2 at ${version}, committed ${version}`, 'announce', 'project 2'])
  const shown = await views.byId(2)
  assert.deepEqual([shown.version, shown.from], [version, 'redis'])
  assert.match(String(shown.bodies?.full), new RegExp(`Title ${titles}"`))
})

test('a command that changes nothing has nothing to show when Redis is as new', async (t) => {
  const { stores, calls, users, projector } = await start(t)
  await projector.projectUsers([3])
  const version = versionOf(3)
  assert.deepEqual(await stores.users.update(3, BY, () => []), { version, visible: true })
  assert.deepEqual(calls, [`fence 3 at ${version}, committed ${version}`])
  assert.equal((await users.read(3))?.version, version)
})

test('a command that is refused tells the read models nothing', async (t) => {
  const { stores, calls } = await start(t)
  const before = versionOf(4)
  await assert.rejects(stores.users.update(4, { ...BY, expectedVersions: [99] }, retitle), { code: 'version-conflict' })
  await assert.rejects(stores.users.update(999, BY, retitle), { code: 'user-not-found' })
  assert.deepEqual(calls, [])
  assert.equal(versionOf(4), before)
})

test('a new user is fenced and projected too', async (t) => {
  const { stores, calls, views } = await start(t)
  const nobody = { employeeNumber: null, email: null, phone: null, jobTitle: null }
  const details = { ...nobody, username: 'new.user', givenName: 'New', familyName: 'User' }
  const registered = await stores.users.register(
    (userId) => ({
      type: 'user-registered',
      userId,
      details,
      homeBranchId: 'B001',
      at: new Date().toISOString(),
    }),
    BY.by,
    null,
  )
  const { userId, version: first, visible } = registered
  assert.equal(visible, true)
  assert.deepEqual(calls, [`fence ${userId} at ${first}, committed ${first}`, 'announce', `project ${userId}`])
  assert.equal((await views.byUsername('new.user'))?.from, 'redis')
})

test('a username that a command gives leads to nobody else, though whoever had it has not been handled', async (t) => {
  // Nothing is projected: the hint and its holder's entry stay what they were.
  const { stores, views, projector } = await start(t, {
    replace: { projectUserNow: () => Promise.reject(new Error('no luck')) },
  })
  const at = new Date().toISOString()
  const rename = (username: string) => (user: User) => [
    { type: 'details-changed' as const, userId: user.id, changes: { username }, at },
  ]
  await projector.projectUsers([11, 12])
  const former = String(source.query('SELECT username FROM users WHERE user_id = 11')[0]?.username)
  source.sql(`UPDATE users SET username = 'taken.away' WHERE user_id = 11`)
  assert.equal((await views.byUsername(former))?.userId, 11, 'nobody has told Redis')
  assert.equal((await stores.users.update(12, BY, rename(former))).visible, true)
  assert.equal((await views.byUsername(former))?.userId, 12)

  await projector.projectUsers([13])
  const gone = String(source.query('SELECT username FROM users WHERE user_id = 13')[0]?.username)
  source.sql(`UPDATE users SET username = 'taken.away.2' WHERE user_id = 13`)
  assert.equal((await views.byUsername(gone))?.userId, 13, 'nobody has told Redis')
  const nobody = { employeeNumber: null, email: null, phone: null, jobTitle: null }
  const details = { ...nobody, username: gone, givenName: 'New', familyName: 'User' }
  const registration = (userId: number) => {
    return { type: 'user-registered' as const, userId, details, homeBranchId: null, at }
  }
  const { userId } = await stores.users.register(registration, BY.by, null)
  assert.equal((await views.byUsername(gone))?.userId, userId)
})

test('a role’s change is fenced and projected as the catalogue', async (t) => {
  const { stores, calls, roles } = await start(t)
  const role = { role: 'tester', title: 'Tester', privileged: false, permissions: [] }
  const { version, visible } = await stores.roles.update('tester', BY, () => [
    { type: 'role-defined', role, at: new Date().toISOString() },
  ])
  assert.equal(visible, true)
  assert.deepEqual(calls, [`fence roles at ${version}`, 'announce', 'project roles'])
  const shown = await roles.catalogue()
  assert.deepEqual([shown.version, shown.from], [version, 'redis'])
})

test('without Redis commands commit, and the answer says that they are not visible yet', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { stores, calls, floor } = await start(t, { url: own.url })
  await own.stop()
  const before = versionOf(6)
  const answer = await stores.users.update(6, BY, retitle)
  assert.deepEqual(answer, { version: versionOf(6), visible: false })
  assert.ok(answer.version > before)
  assert.equal(floor.user(6), answer.version, 'this process itself shows nothing older')
  // Workers are woken all the same: the change row is what makes it good.
  assert.deepEqual(calls, [`fence 6 at ${answer.version}, committed ${answer.version}`, 'announce'])
  const roles = await stores.roles.update('tester', BY, () => [])
  assert.equal(roles.visible, false)
  assert.equal(floor.roles(), roles.version)
})

test('projecting that fails leaves the fence: visible, and the database answers', async (t) => {
  const { stores, views } = await start(t, {
    replace: { projectUserNow: () => Promise.reject(new Error('no luck')) },
  })
  await views.byId(7)
  const { version, visible } = await stores.users.update(7, BY, retitle)
  assert.equal(visible, true)
  const shown = await views.byId(7)
  assert.deepEqual([shown.version, shown.from], [version, 'database'])
})

test('projecting that hangs holds a command up for no longer than its deadline', async (t) => {
  let hung = 0
  const forever = () => {
    hung += 1
    return new Promise<void>(() => undefined)
  }
  const { stores, users } = await start(t, { deadlineMs: DEADLINE_MS, replace: { projectUserNow: forever } })
  const { version, visible } = await stores.users.update(8, BY, retitle)
  assert.deepEqual([visible, hung], [true, 1])
  assert.deepEqual(await users.read(8), { version, bodies: null })
  assert.equal(await users.fence(8, version), false, 'the fence stands')
})

test('projecting that ends in time ends the wait: nothing is left ticking', async (t) => {
  const given: (AbortSignal | undefined)[] = []
  const pause: Pause = (_ms, signal) => {
    given.push(signal)
    return new Promise(() => undefined)
  }
  const { stores } = await start(t, { pause })
  await stores.users.update(9, BY, retitle)
  assert.deepEqual(
    given.map((signal) => signal?.aborted),
    [true],
  )
})

/** Kept as the answer of whoever shows the key again. */
const onceAKey = (key: string) => ({
  key,
  requestHash: 'h',
  answer: ({ version }: { version: number }) => ({
    status: 200,
    headers: { etag: `"${version}"` },
    body: `v${version}`,
  }),
})

test('a repeat fences, projects and shows what its first request left undone when it died after the commit', async (t) => {
  const { stores, calls, views, projector } = await start(t)
  await projector.projectUsers([14])
  const context = { ...BY, idempotency: onceAKey('suspended-once') }
  const suspend = (user: User) => [{ type: 'user-suspended' as const, userId: user.id, at: new Date().toISOString() }]
  // Nobody tells the read models.
  const { version } = await sqlUserStore(source.database).update(14, context, suspend)
  assert.ok((await views.byId(14)).version < version, 'Redis knows nothing of it')
  const again = await stores.users.update(14, context, () => assert.fail('nothing is decided for a repeat'))
  const answer = { status: 200, headers: { etag: `"${version}"` }, body: `v${version}` }
  assert.deepEqual(again, { version, visible: true, answer })
  assert.deepEqual(calls, [`fence 14 at ${version}, committed ${version}`, 'announce', 'project 14'])
  assert.equal((await views.byId(14)).version, version)
})

test('a repeated registration fences whoever is still found by the username, too', async (t) => {
  // Nothing is projected: the hint stays what it was.
  const { stores, views, projector } = await start(t, {
    replace: { projectUserNow: () => Promise.reject(new Error('no luck')) },
  })
  await projector.projectUsers([15])
  const username = String(source.query('SELECT username FROM users WHERE user_id = 15')[0]?.username)
  source.sql(`UPDATE users SET username = 'taken.away.3' WHERE user_id = 15`)
  const nobody = { employeeNumber: null, email: null, phone: null, jobTitle: null }
  const details = { ...nobody, username, givenName: 'New', familyName: 'User' }
  const registration = (userId: number) => {
    return { type: 'user-registered' as const, userId, details, homeBranchId: null, at: new Date().toISOString() }
  }
  const key = onceAKey('registered-once')
  const { userId, version } = await sqlUserStore(source.database).register(registration, BY.by, key)
  assert.equal((await views.byUsername(username))?.userId, 15, 'nobody has told Redis')
  const again = await stores.users.register(registration, BY.by, key)
  const answer = { status: 200, headers: { etag: `"${version}"` }, body: `v${version}` }
  assert.deepEqual(again, { userId, version, visible: true, answer })
  assert.equal((await views.byUsername(username))?.userId, userId)
})
