import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sqlTruth } from '../../src/adapters/sql/truth.ts'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { openSqlite } from '../../src/adapters/sqlite/database.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { projectUser } from '../../src/projections/user/project.ts'
import { openHistory, readTables, recordHistory } from './history.ts'
import { ledgerOf } from './ledger.ts'
import { modelOf } from './model.ts'

const USERS = 50
type Owner = { after(end: () => unknown): void }

async function openRecorded(t: Owner) {
  const folder = await mkdtemp(join(tmpdir(), 'users-service-history-'))
  const path = join(folder, 'users.db')
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: USERS, seed: 4 }), onProgress: () => undefined })
  recordHistory(path)
  const writer = new DatabaseSync(path)
  const history = openHistory(path)
  t.after(async () => {
    history.close()
    writer.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { path, writer, model: modelOf(history.read) }
}

test('the bodies that are expected are those that the service makes', async (t) => {
  const { path, model } = await openRecorded(t)
  const database = openSqlite(path)
  t.after(database.close)
  const truth = sqlTruth({ point: database, scan: database, dialect: database.dialect })
  model.catchUp()
  assert.equal(model.userIds().length, USERS)
  for (const userId of model.userIds()) {
    const { user, version } = await truth.user(userId)
    assert.ok(user)
    const { full, bare } = projectUser(user).bodies
    const expected = model.state(userId, version)
    assert.deepEqual([expected?.body, expected?.bare], [full.toString(), bare.toString()])
  }
})

test('every state that is committed is written down, whoever commits it; what is rolled back is not', async (t) => {
  const { path, writer, model } = await openRecorded(t)
  writer.exec("UPDATE users SET job_title = 'Baker' WHERE user_id = 3")
  writer.exec("BEGIN; UPDATE users SET job_title = 'Nobody' WHERE user_id = 3; ROLLBACK")
  writer.exec('BEGIN; DELETE FROM user_branches WHERE user_id = 3')
  writer.exec("INSERT INTO user_branches (user_id, branch_id) VALUES (3, 'B777'); COMMIT")
  model.catchUp()
  const [first, title, , last, ...more] = model.states(3)
  assert.equal(first?.version, 5)
  assert.equal(title?.user?.jobTitle, 'Baker')
  assert.deepEqual(last?.user?.branches, ['B777'])
  assert.deepEqual(more, [])
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
    writer.exec(`DELETE FROM ${table} WHERE user_id = 3`)
  }
  writer.exec("UPDATE roles SET title = 'New title' WHERE role = 'cashier'")
  model.catchUp()
  assert.equal(model.newest(3)?.user, null)
  assert.equal(
    model.catalogue(model.newestCatalogue())?.roles.find(({ role }) => role === 'cashier')?.title,
    'New title',
  )
  const tables = new Map(readTables(path).map((commit) => [commit.entityId, commit]))
  assert.equal(tables.get('3')?.state, null)
  assert.equal(tables.get('3')?.version, model.newest(3)?.version)
})

test('a command that is lost, done twice, or done though it was refused is caught', async (t) => {
  const { path, writer } = await openRecorded(t)
  writer.exec("UPDATE users SET job_title = 'Baker' WHERE user_id = 3")
  const audit = (requestId: string, type = 'details-changed', event = '{}', userId = 3) =>
    writer
      .prepare(
        `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
         VALUES ('user', ?, ?, ?, 'local', ?, '-', '-')`,
      )
      .run(String(userId), type, event, requestId)
  const found = (fill: (ledger: ReturnType<typeof ledgerOf>) => void) => {
    const ledger = ledgerOf()
    fill(ledger)
    return ledger.lost(path)
  }
  audit('right')
  audit('twice')
  audit('twice')
  audit('register-1', 'user-registered', '{"username":"soak.1"}', 8)
  audit('register-2', 'user-registered', '{"username":"soak.2"}', 9)
  audit('register-3', 'user-registered', '{"username":"soak.2"}', 10)
  assert.deepEqual(found((ledger) => ledger.sent('right', 'title', true).done(3, 6)).lost, [])
  assert.match(String(found((ledger) => ledger.sent('gone', 'title', true).done(3, 6)).lost), /not in the audit/)
  assert.deepEqual(found((ledger) => ledger.sent('was so', 'suspend', false).done(3, 6)).lost, [])
  assert.match(
    String(found((ledger) => ledger.sent('right', 'title', true).done(3, 7)).lost),
    /version 7 of user 3 is not/,
  )
  assert.match(String(found((ledger) => ledger.sent('twice', 'title', true).done(3, 6)).lost), /in the audit 2 times/)
  assert.match(
    String(found((ledger) => ledger.sent('right', 'title', true).refused()).lost),
    /refused\) is in the audit/,
  )
  assert.deepEqual(
    found((ledger) => ledger.sent('right', 'title', true)),
    { lost: [], committedUnknown: 1 },
  )
  assert.deepEqual(found((ledger) => ledger.registered({ username: 'soak.1', userId: 8 })).lost, [])
  assert.match(
    String(found((ledger) => ledger.registered({ username: 'soak.1', userId: 9 })).lost),
    /acknowledged as 9/,
  )
  assert.match(
    String(found((ledger) => ledger.registered({ username: 'soak.2', userId: 9 })).lost),
    /registered 2 times/,
  )
  assert.match(
    String(found((ledger) => ledger.registered({ username: 'soak.3', userId: 9 })).lost),
    /registered as undefined/,
  )
  assert.deepEqual(found((ledger) => ledger.registered({ username: 'soak.3', userId: null })).lost, [])
})
