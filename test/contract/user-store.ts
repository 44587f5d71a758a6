import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import { compareGrants, type User } from '../../src/domain/user.ts'
import type { UserStore } from '../../src/ports.ts'
import { afterwards } from '../support/users.ts'
import {
  ANY_VERSION,
  AT,
  BY,
  changingNothing,
  holding,
  insertRole,
  insertUser,
  numberOf,
  type OpenRig,
  type Owner,
  roundTrip,
  run,
  truthOf,
} from './rig.ts'

const SHORT_WAIT_MS = 60
const of = { userId: 1, at: AT }

/** Each is decided on the user whom `openStore` makes. */
const EVENTS: UserEvent[] = [
  { ...of, type: 'details-changed', changes: { givenName: 'Bo', email: null, username: 'Bo.Lee' } },
  {
    ...of,
    type: 'details-changed',
    changes: { employeeNumber: 'E2', familyName: 'O’Neill', phone: '2', jobTitle: 'Baker', email: 'bo@example.com' },
  },
  { ...of, type: 'user-suspended' },
  { ...of, type: 'user-terminated' },
  { ...of, type: 'branch-assigned', branchId: 'B3' },
  { ...of, type: 'branch-unassigned', branchId: 'B2' },
  { ...of, type: 'home-branch-changed', branchId: 'B2' },
  { ...of, type: 'role-granted', role: 'baker', branchId: null },
  { ...of, type: 'role-granted', role: 'cashier', branchId: 'B2' },
  { ...of, type: 'role-revoked', role: 'cashier', branchId: null },
  { ...of, type: 'role-revoked', role: 'cashier', branchId: 'B1' },
  { ...of, type: 'limit-set', limit: 'cash-drop', value: 0 },
  { ...of, type: 'limit-set', limit: 'refund-amount', value: 100_000_000 },
  { ...of, type: 'limit-removed', limit: 'refund-amount' },
  { ...of, type: 'preference-set', key: 'size', value: '' },
  { ...of, type: 'preference-set', key: 'theme', value: 'hell 😀' },
  { ...of, type: 'preference-removed', key: 'theme' },
]

async function openStore(t: Owner, open: OpenRig, options?: { lockWaitMs?: number }) {
  const rig = await open(t, options)
  const { database } = rig
  for (const role of ['cashier', 'baker']) await insertRole(database, role)
  for (const userId of [1, 2]) {
    await insertUser(database, userId)
    await run(
      database,
      `UPDATE users SET email = 'a@example.com', home_branch_id = 'B1' WHERE user_id = ${userId}`,
      ...['B1', 'B2'].map((id) => `INSERT INTO user_branches (user_id, branch_id) VALUES (${userId}, '${id}')`),
      ...['NULL', `'B1'`].map(
        (id) => `INSERT INTO user_roles (user_id, role, branch_id) VALUES (${userId}, 'cashier', ${id})`,
      ),
      `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (${userId}, 'refund-amount', 5)`,
      `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (${userId}, 'theme', 'dark')`,
    )
  }
  await run(database, 'DELETE FROM entity_changes')
  const truth = truthOf(rig)
  const read = async (userId: number): Promise<User> => (await truth.user(userId)).user ?? assert.fail('there is one')
  return { ...rig, rig, read, users: sqlUserStore(database) }
}

/** In one form, whichever order or prototype its parts came with. */
function inOrder(user: User): User {
  const { branches, roles, preferences } = user
  return {
    ...user,
    branches: branches.toSorted(),
    roles: roles.toSorted(compareGrants),
    preferences: { ...preferences },
  }
}

export function userStoreContract(open: OpenRig): void {
  describe('user store', () => {
    writing(open)
    refusing(open)
    concurrent(open)
  })
}

function writing(open: OpenRig): void {
  for (const [index, event] of EVENTS.entries()) {
    test(`${event.type} is written as it says, and nothing else (${index})`, async (t) => {
      const { users, read, database } = await openStore(t, open)
      const [before, other] = [await read(1), await read(2)]
      const { version, visible } = await users.update(1, ANY_VERSION, (user) => {
        assert.deepEqual(user, before)
        return [event]
      })
      assert.deepEqual([visible, version > before.version], [true, true])
      assert.deepEqual(inOrder(await read(1)), inOrder({ ...afterwards(before, [event]), updatedAt: AT, version }))
      assert.deepEqual(await read(2), other)
      const changed = await database.query('SELECT DISTINCT entity, entity_id FROM entity_changes')
      assert.deepEqual(
        changed.map((row) => ({ ...row })),
        [{ entity: 'user', entity_id: '1' }],
      )
    })
  }

  test('several events are one commit: every row, and an audit entry for each in their order', async (t) => {
    const { users, read, database } = await openStore(t, open)
    const before = await read(1)
    const events = EVENTS.filter(({ type }) => type.endsWith('-set') || type === 'user-suspended')
    const { version } = await users.update(1, ANY_VERSION, () => events)
    assert.deepEqual(inOrder(await read(1)), inOrder({ ...afterwards(before, events), updatedAt: AT, version }))
    const rows = await database.query(`SELECT * FROM user_audit ORDER BY audit_id`)
    assert.deepEqual(
      rows.map(({ event }) => JSON.parse(String(event))),
      events,
    )
    for (const [index, row] of rows.entries()) {
      const { audit_id, event, recorded_at, ...who } = row
      assert.match(String(recorded_at), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
      assert.deepEqual(who, {
        entity: 'user',
        entity_id: '1',
        event_type: events[index]?.type,
        actor: BY.name,
        request_id: BY.requestId,
        address: BY.address,
      })
    }
  })

  test('two commands of one millisecond are both done', async (t) => {
    const { users, read } = await openStore(t, open)
    const first = await users.update(1, ANY_VERSION, () => [{ ...of, type: 'preference-set', key: 'a', value: '1' }])
    const second = await users.update(1, ANY_VERSION, () => [{ ...of, type: 'preference-set', key: 'b', value: '2' }])
    assert.ok(second.version > first.version)
    const { preferences, updatedAt, version } = await read(1)
    assert.deepEqual({ ...preferences }, { a: '1', b: '2', theme: 'dark' })
    assert.deepEqual([updatedAt, version], [AT, second.version])
  })

  test('no event: nothing is written, no version moves, no audit entry is made', async (t) => {
    const { users, read, database } = await openStore(t, open)
    const { version } = await read(1)
    const answers = await changingNothing(database, async () => [
      await users.update(1, ANY_VERSION, () => []),
      await users.updateWithRoles(1, ANY_VERSION, () => []),
      // What is already so is answered even where the version is another: repeats work.
      await users.update(1, { expectedVersions: [1], by: BY }, () => []),
    ])
    assert.deepEqual(answers, new Array(3).fill({ version, visible: true }))
  })

  test('the role catalogue is that of the same transaction', async (t) => {
    const { users } = await openStore(t, open)
    let names: string[] = []
    await users.updateWithRoles(1, ANY_VERSION, (user, { roles, version }) => {
      names = roles.map(({ role }) => role)
      assert.equal(version, 4)
      return user.status === 'active' ? [{ ...of, type: 'user-suspended' }] : []
    })
    assert.deepEqual(names, ['baker', 'cashier'])
  })
}

function refusing(open: OpenRig): void {
  type Refusal = { name: string; error: object; ask(users: UserStore): Promise<unknown> }
  const rename = (username: string): UserEvent => ({ ...of, type: 'details-changed', changes: { username } })
  const suspended: UserEvent = { ...of, type: 'user-suspended' }
  const failure = new RangeError('no')
  const rows: Refusal[] = [
    {
      name: 'a user whom there is not',
      error: { code: 'user-not-found' },
      ask: (users) => users.update(77, ANY_VERSION, () => [suspended]),
    },
    {
      name: 'another version than the expected one',
      error: { code: 'version-conflict' },
      ask: (users) => users.update(1, { expectedVersions: [1], by: BY }, () => [suspended]),
    },
    {
      name: 'the username of somebody else, in whatever case',
      error: { code: 'username-taken', field: '/username' },
      ask: (users) => users.update(1, ANY_VERSION, () => [rename('USER.2')]),
    },
    {
      name: 'what decide throws',
      error: failure,
      ask: (users) =>
        users.update(1, ANY_VERSION, () => {
          throw failure
        }),
    },
    {
      name: 'events of which the last can’t be written',
      error: { kind: 'missing-parent' },
      ask: (users) =>
        users.update(1, ANY_VERSION, () => [suspended, { ...of, type: 'role-granted', role: 'none', branchId: null }]),
    },
  ]
  for (const { name, error, ask } of rows) {
    test(`${name}: refused, and nothing is written`, async (t) => {
      const { users, database } = await openStore(t, open)
      await changingNothing(database, () => assert.rejects(ask(users), error))
    })
  }

  test('the expected version lets through', async (t) => {
    const { users, read } = await openStore(t, open)
    const { version } = await read(1)
    await users.update(1, { expectedVersions: [version], by: BY }, () => [suspended])
    assert.equal((await read(1)).status, 'suspended')
  })

  test('one’s own username may change its case', async (t) => {
    const { users, read } = await openStore(t, open)
    await users.update(1, ANY_VERSION, () => [rename('USER.1')])
    assert.equal((await read(1)).username, 'USER.1')
  })

  test('a command waits for a program that holds the user, and decides on what that wrote', async (t) => {
    const { users, rig } = await openStore(t, open)
    const release = await holding(rig, `UPDATE users SET given_name = 'Held' WHERE user_id = 1`)
    let names: string[] = []
    const waiting = users.update(1, ANY_VERSION, ({ givenName }) => {
      names = names.concat(givenName)
      return [suspended]
    })
    await roundTrip(rig.database)
    assert.deepEqual(names, [])
    await release()
    await waiting
    assert.deepEqual(names, ['Held'])
  })

  test('a command that has waited its time is refused as busy, and nothing is written', async (t) => {
    const { users, rig, database } = await openStore(t, open, { lockWaitMs: SHORT_WAIT_MS })
    await changingNothing(database, async () => {
      const release = await holding(rig, 'UPDATE users SET status = status WHERE user_id = 1')
      await assert.rejects(
        users.update(1, ANY_VERSION, () => [suspended]),
        { code: 'busy' },
      )
      await release()
    })
    await users.update(1, ANY_VERSION, () => [suspended])
  })
}

function concurrent(open: OpenRig): void {
  test('commands of two replicas on one user lose nothing of each other', async (t) => {
    const { users, read, database, other } = await openStore(t, open)
    const replicas = [users, sqlUserStore(other)]
    const addOne = ({ limits, version }: User): UserEvent[] => {
      assert.ok(version > 0)
      return [{ ...of, type: 'limit-set', limit: 'refund-amount', value: (limits['refund-amount'] ?? 0) + 1 }]
    }
    const before = await read(1)
    const all = Array.from({ length: 20 }, (_, index) => replicas[index % 2]?.update(1, ANY_VERSION, addOne))
    const answered = (await Promise.all(all)).map((written) => written?.version ?? 0)
    const { limits, version } = await read(1)
    assert.equal(limits['refund-amount'], 5 + 20)
    assert.equal(new Set(answered).size, 20, 'every command has a version of its own')
    assert.equal(version, Math.max(...answered))
    assert.ok(Math.min(...answered) > before.version)
    assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 20)
  })

  test('of commands that expect one version, one is done', async (t) => {
    const { users, read, other } = await openStore(t, open)
    const { version } = await read(1)
    const expecting = { expectedVersions: [version], by: BY }
    const results = await Promise.allSettled(
      [users, sqlUserStore(other), users, sqlUserStore(other)].map((store, index) =>
        store.update(1, expecting, () => [{ ...of, type: 'preference-set', key: 'winner', value: `${index}` }]),
      ),
    )
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    assert.deepEqual(refused, new Array(3).fill('version-conflict'))
    const winner = results.findIndex(({ status }) => status === 'fulfilled')
    assert.equal((await read(1)).preferences.winner, String(winner))
  })

  test('of two who want one username, one gets it', async (t) => {
    const { users, other, database } = await openStore(t, open)
    const want = (userId: number, username: string): UserEvent[] => [
      { userId, at: AT, type: 'details-changed', changes: { username } },
    ]
    const results = await Promise.allSettled([
      users.update(1, ANY_VERSION, () => want(1, 'wanted')),
      sqlUserStore(other).update(2, ANY_VERSION, () => want(2, 'WANTED')),
    ])
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    assert.deepEqual(refused, ['username-taken'])
    assert.equal(await numberOf(database, `SELECT COUNT(*) AS n FROM users WHERE LOWER(username) = 'wanted'`), 1)
  })
}
