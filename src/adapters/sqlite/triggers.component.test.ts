import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertRole, insertUser, run, versions } from '../../../test/contract/rig.ts'
import { openSqliteRig } from '../../../test/contract/sqlite.ts'

// What only SQLite has. The rest is test/contract/triggers.ts.

/** A conflict clause of a statement holds in its triggers as well: there it would make the counter 1 again. */
const OWN_CONFLICT_CLAUSES = [
  `INSERT OR REPLACE INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'theme', 'light')`,
  `REPLACE INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'cash-drop', 6)`,
  `INSERT OR IGNORE INTO user_branches (user_id, branch_id) VALUES (1, 'B9')`,
  `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'cash-drop', 7)
   ON CONFLICT DO UPDATE SET limit_value = excluded.limit_value`,
  `INSERT OR FAIL INTO user_branches (user_id, branch_id) VALUES (1, 'B10')`,
  `UPDATE OR REPLACE users SET given_name = 'Bo' WHERE user_id = 1`,
  `UPDATE OR IGNORE users SET given_name = 'Cy' WHERE user_id = 1`,
  `UPDATE OR ROLLBACK users SET given_name = 'Di' WHERE user_id = 1`,
]

for (const sql of OWN_CONFLICT_CLAUSES) {
  test(`a version goes up by one, whatever the statement does about conflicts: ${sql.slice(0, 30)}`, async (t) => {
    const { database } = await openSqliteRig(t)
    await insertUser(database, 1)
    await run(
      database,
      `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'cash-drop', 5)`,
      `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'theme', 'dark')`,
    )
    const table = /user_\w+|users/.exec(sql)?.[0]
    const counter = `user 1 ${table}`
    const before = await versions(database)
    await run(database, 'DELETE FROM entity_changes', sql)
    const after = await versions(database)
    assert.equal(after.get(counter), (before.get(counter) ?? 0) + 1)
    assert.deepEqual([...after.keys()], [...before.keys()])
    assert.equal((await database.query('SELECT change_id FROM entity_changes')).length, 1)
  })
}

test('INSERT OR IGNORE of what is there moves nothing', async (t) => {
  const { database } = await openSqliteRig(t)
  await insertUser(database, 1)
  await run(database, `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`)
  const before = await versions(database)
  await run(database, `INSERT OR IGNORE INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`)
  assert.deepEqual(await versions(database), before)
})

// Other databases give a serial key once and for ever.
test('a user who gets another id moves under both', async (t) => {
  const { database } = await openSqliteRig(t)
  await insertUser(database, 1)
  await run(database, 'DELETE FROM entity_changes', 'UPDATE users SET user_id = 9 WHERE user_id = 1')
  const after = await versions(database)
  assert.deepEqual([after.get('user 1 users'), after.get('user 9 users')], [2, 1])
  const changed = await database.query('SELECT entity_id FROM entity_changes ORDER BY entity_id')
  assert.deepEqual(
    changed.map(({ entity_id }) => entity_id),
    ['1', '9'],
  )
})

test('a role that is renamed with its grants and permissions moves the catalogue and its holders', async (t) => {
  const { database } = await openSqliteRig(t)
  await insertUser(database, 1)
  await insertRole(database, 'cashier', ['till.open'])
  await run(database, `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', NULL)`)
  const before = await versions(database)
  await database.transaction((session) =>
    run(
      session,
      'PRAGMA defer_foreign_keys = ON',
      `UPDATE roles SET role = 'till'`,
      `UPDATE role_permissions SET role = 'till'`,
      `UPDATE user_roles SET role = 'till'`,
    ),
  )
  const after = await versions(database)
  const moved = [...after].filter(([counter, version]) => version !== before.get(counter)).map(([counter]) => counter)
  assert.deepEqual(moved.sort(), ['role * role_permissions', 'role * roles', 'user 1 user_roles'])
})
