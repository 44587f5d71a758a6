import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Session } from '../../src/ports.ts'
import { insertRole, insertUser, numberOf, type OpenRig, type Rig, run, versions } from './rig.ts'

/** `moves`: the counters that go up, one each time they are named. `changes`: the outbox; as `moves` when left out. */
type Row = { name: string; sql: string; moves: string[]; changes?: string[] }

const USER_SOURCES = ['users', 'user_branches', 'user_roles', 'user_limits', 'user_preferences']
const SHOWN_COLUMNS = [
  ...['username', 'employee_number', 'given_name', 'family_name', 'email', 'phone', 'job_title', 'status'],
  ...['home_branch_id', 'created_at', 'updated_at'],
]

/** Users 1 and 2 have one or two of everything, user 3 nothing; nobody holds the role baker. */
async function fill(session: Session): Promise<void> {
  for (const userId of [1, 2, 3]) await insertUser(session, userId)
  await run(session, `UPDATE users SET email = 'bo@example.com', home_branch_id = 'B1' WHERE user_id = 2`)
  await insertRole(session, 'cashier', ['till.open', 'till.close'])
  await insertRole(session, 'baker')
  await run(
    session,
    `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`,
    `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B2')`,
    `INSERT INTO user_branches (user_id, branch_id) VALUES (2, 'B1')`,
    `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', NULL)`,
    `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', 'B1')`,
    `INSERT INTO user_roles (user_id, role, branch_id) VALUES (2, 'cashier', 'B1')`,
    `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'refund-amount', 500)`,
    `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'cash-drop', 500)`,
    `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (2, 'refund-amount', 500)`,
    `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'theme', 'dark')`,
    `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'size', 'big')`,
    `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (2, 'theme', 'dark')`,
  )
}

/** The tables of what a user has: a row to add to user 3, the columns that are shown, and another key for user 1's. */
const OWNED = [
  { table: 'user_branches', columns: 'branch_id', add: `'B9'`, set: [`branch_id = 'B9'`], one: `branch_id = 'B2'` },
  {
    table: 'user_roles',
    columns: 'role, branch_id',
    add: `'cashier', NULL`,
    set: [`role = 'baker'`, `branch_id = 'B9'`, 'branch_id = NULL'],
    one: 'branch_id IS NULL',
  },
  {
    table: 'user_limits',
    columns: 'limit_name, limit_value',
    add: `'cash-drop', 1`,
    set: [`limit_name = 'void-amount'`, 'limit_value = 501'],
    one: `limit_name = 'cash-drop'`,
  },
  {
    table: 'user_preferences',
    columns: 'preference_key, preference_value',
    add: `'theme', 'light'`,
    set: [`preference_key = 'skin'`, `preference_value = 'light'`, `preference_value = ''`],
    one: `preference_key = 'size'`,
  },
]

const ofUsers: Row[] = [
  {
    name: 'a new user',
    sql: `INSERT INTO users (user_id, username, given_name, family_name, created_at, updated_at)
      VALUES (4, 'four', 'Dan', 'Orr', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
    moves: USER_SOURCES.map((source) => `user 4 ${source}`),
    changes: ['user 4'],
  },
  ...SHOWN_COLUMNS.map((column) => ({
    name: `another ${column}`,
    sql: `UPDATE users SET ${column} = '2021' WHERE user_id = 1`,
    moves: ['user 1 users'],
  })),
  {
    name: 'a name in other case',
    sql: `UPDATE users SET given_name = 'ANN' WHERE user_id = 1`,
    moves: ['user 1 users'],
  },
  {
    name: 'several columns of several users in one statement',
    sql: `UPDATE users SET job_title = 'Baker', status = 'suspended' WHERE user_id > 1`,
    moves: ['user 2 users', 'user 3 users'],
  },
  { name: 'the same values again', sql: `UPDATE users SET given_name = 'Ann', phone = NULL`, moves: [] },
  { name: 'a column set to itself, as a lock', sql: 'UPDATE users SET status = status WHERE user_id = 1', moves: [] },
  {
    name: 'values taken away',
    sql: 'UPDATE users SET email = NULL, home_branch_id = NULL WHERE user_id = 2',
    moves: ['user 2 users'],
  },
  { name: 'an update of no row', sql: `UPDATE users SET given_name = 'Bo' WHERE user_id = 77`, moves: [] },
  { name: 'a user deleted', sql: 'DELETE FROM users WHERE user_id = 3', moves: ['user 3 users'] },
]

const ofOwned: Row[] = OWNED.flatMap(({ table, columns, add, set, one }) => [
  {
    name: `a row more in ${table}`,
    sql: `INSERT INTO ${table} (user_id, ${columns}) VALUES (3, ${add})`,
    moves: [`user 3 ${table}`],
  },
  {
    name: `several rows more in ${table} by one statement`,
    sql: `INSERT INTO ${table} (user_id, ${columns}) SELECT 3, ${columns} FROM ${table} WHERE user_id = 1`,
    moves: [`user 3 ${table}`, `user 3 ${table}`],
  },
  ...set.map((assignment) => ({
    name: `${table}: ${assignment}`,
    sql: `UPDATE ${table} SET ${assignment} WHERE user_id = 2`,
    moves: [`user 2 ${table}`],
  })),
  {
    name: `a row of ${table} goes over to somebody else`,
    sql: `UPDATE ${table} SET user_id = 3 WHERE user_id = 2`,
    moves: [`user 2 ${table}`, `user 3 ${table}`],
  },
  { name: `the same values again in ${table}`, sql: `UPDATE ${table} SET ${same(columns)}`, moves: [] },
  { name: `a row of ${table} deleted`, sql: `DELETE FROM ${table} WHERE ${one}`, moves: [`user 1 ${table}`] },
  {
    name: `all of ${table} deleted by one statement`,
    sql: `DELETE FROM ${table}`,
    moves: [`user 1 ${table}`, `user 1 ${table}`, `user 2 ${table}`],
  },
])

function same(columns: string): string {
  return ['user_id', ...columns.split(', ')].map((column) => `${column} = ${column}`).join(', ')
}

const ofGrants: Row[] = [
  {
    name: 'what was held everywhere is held at one branch',
    sql: `UPDATE user_roles SET branch_id = 'B9' WHERE branch_id IS NULL`,
    moves: ['user 1 user_roles'],
  },
]

const ofRoles: Row[] = [
  {
    name: 'a new role',
    sql: `INSERT INTO roles (role, title, privileged) VALUES ('butcher', 'Butcher', 0)`,
    moves: ['role * roles'],
  },
  { name: 'another title', sql: `UPDATE roles SET title = 'Till' WHERE role = 'cashier'`, moves: ['role * roles'] },
  { name: 'privileged', sql: 'UPDATE roles SET privileged = 1', moves: ['role * roles', 'role * roles'] },
  { name: 'a role renamed', sql: `UPDATE roles SET role = 'cook' WHERE role = 'baker'`, moves: ['role * roles'] },
  { name: 'the same role again', sql: 'UPDATE roles SET role = role, privileged = 0', moves: [] },
  { name: 'a role deleted', sql: `DELETE FROM roles WHERE role = 'baker'`, moves: ['role * roles'] },
  {
    name: 'a permission more',
    sql: `INSERT INTO role_permissions (role, permission, effect) VALUES ('baker', 'oven.open', 'allow')`,
    moves: ['role * role_permissions'],
  },
  {
    name: 'another effect',
    sql: `UPDATE role_permissions SET effect = 'approve' WHERE permission = 'till.open'`,
    moves: ['role * role_permissions'],
  },
  {
    name: 'a permission goes over to another role',
    sql: `UPDATE role_permissions SET role = 'baker' WHERE permission = 'till.open'`,
    moves: ['role * role_permissions'],
  },
  {
    name: 'a permission renamed',
    sql: `UPDATE role_permissions SET permission = 'till.use' WHERE permission = 'till.open'`,
    moves: ['role * role_permissions'],
  },
  { name: 'the same permissions again', sql: `UPDATE role_permissions SET effect = 'allow'`, moves: [] },
  {
    name: 'all permissions deleted by one statement',
    sql: 'DELETE FROM role_permissions',
    moves: ['role * role_permissions', 'role * role_permissions'],
  },
]

const ofOurs: Row[] = [
  {
    name: 'an audit entry',
    sql: `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
      VALUES ('user', '1', 'user-suspended', '-', 'local', 'r1', '::1', '2020-01-01 00:00:00.000')`,
    moves: [],
  },
  {
    name: 'an idempotency key',
    sql: `INSERT INTO command_keys (command_key, request_hash, answer, created_at)
      VALUES ('k', 'h', '-', '2020-01-01 00:00:00.000')`,
    moves: [],
  },
  { name: 'another epoch', sql: `UPDATE service_epoch SET epoch = 'other'`, moves: [] },
]

const REFUSED = [
  { name: 'a user who has something', sql: 'DELETE FROM users WHERE user_id = 1' },
  { name: 'a role that somebody holds', sql: `DELETE FROM roles WHERE role = 'cashier'` },
]

/** Every row runs on the same database, in a transaction that is undone. */
export function triggersContract(open: OpenRig): void {
  describe('triggers', () => {
    let end: () => unknown = () => undefined
    let rig: Rig
    before(async () => {
      rig = await open({
        after: (close) => {
          end = close
        },
      })
      await fill(rig.database)
    })
    after(() => end())

    async function undone(work: (session: Session) => Promise<void>): Promise<void> {
      const end = new Error('the end, well reached')
      const all = rig.database.transaction(async (session) => {
        await run(session, 'DELETE FROM entity_changes')
        await work(session)
        throw end
      })
      await assert.rejects(all, (error) => {
        if (error !== end) throw error
        return true
      })
    }

    for (const { name, sql, moves, changes } of [...ofUsers, ...ofOwned, ...ofGrants, ...ofRoles, ...ofOurs]) {
      test(name, () =>
        undone(async (session) => {
          const earlier = await versions(session)
          await session.execute(sql)
          assert.deepEqual(moved(earlier, await versions(session)), moves.toSorted())
          assert.deepEqual(await changed(session), (changes ?? moves.map(entityOf)).toSorted())
        }),
      )
    }

    for (const { name, sql } of REFUSED) {
      test(`${name} can't be deleted, and nothing moves`, () =>
        undone(async (session) => {
          const earlier = await versions(session)
          await assert.rejects(session.execute(sql), { name: 'SqlError', kind: 'missing-parent' })
          assert.deepEqual(moved(earlier, await versions(session)), [])
          assert.deepEqual(await changed(session), [])
        }))
    }

    test('a version never goes back, even when a user is deleted and made again', () =>
      undone(async (session) => {
        const seen = [await versionOf(session, 3)]
        for (const again of [1, 2]) {
          await run(session, 'DELETE FROM users WHERE user_id = 3')
          seen.push(await versionOf(session, 3))
          await insertUser(session, 3, `again.${again}`)
          seen.push(await versionOf(session, 3))
        }
        assert.deepEqual(seen, [5, 6, 11, 12, 17])
      }))

    test('what is moved, and its change, have the time of the database', () =>
      undone(async (session) => {
        const now = async () => {
          const [row] = await session.query(`SELECT ${rig.database.dialect.utcNow} AS now FROM service_epoch`)
          return String(row?.now)
        }
        const from = await now()
        await run(session, `UPDATE users SET phone = '1'`, `UPDATE roles SET title = 'One'`, 'DELETE FROM user_limits')
        const to = await now()
        const times = await session.query(
          `SELECT changed_at AS time FROM entity_changes UNION ALL
           SELECT changed_at AS time FROM entity_versions WHERE changed_at >= ?`,
          [from],
        )
        assert.equal(times.length, 8 + 6)
        for (const { time } of times) {
          assert.match(String(time), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
          assert.ok(from <= String(time) && String(time) <= to, `${from} … ${time} … ${to}`)
        }
      }))

    test('what is rolled back has moved nothing', async () => {
      const earlier = await versions(rig.database)
      await undone((session) => run(session, `UPDATE users SET phone = '1'`))
      assert.deepEqual(await versions(rig.database), earlier)
    })
  })
}

/** The counters that went up, named once for each step; none may have gone back or away. */
function moved(earlier: Map<string, number>, later: Map<string, number>): string[] {
  for (const [counter, version] of earlier) assert.ok((later.get(counter) ?? 0) >= version, `${counter} went back`)
  return [...later]
    .flatMap(([counter, version]) => new Array(version - (earlier.get(counter) ?? 0)).fill(counter))
    .sort()
}

async function changed(session: Session): Promise<string[]> {
  const rows = await session.query('SELECT entity, entity_id FROM entity_changes')
  return rows.map(({ entity, entity_id }) => `${entity} ${entity_id}`).sort()
}

const entityOf = (counter: string): string => counter.split(' ').slice(0, 2).join(' ')

function versionOf(session: Session, userId: number): Promise<number> {
  return numberOf(session, `SELECT SUM(version) AS n FROM entity_versions WHERE entity = 'user' AND entity_id = ?`, [
    String(userId),
  ])
}
