import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertRole, insertUser, type Rig, run, truthOf } from '../../../test/contract/rig.ts'
import { openSqliteRig } from '../../../test/contract/sqlite.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Session, SqlRow, SqlValue } from '../../ports.ts'
import { countOddities, type Oddity } from '../sql/oddities.ts'
import { sqlTruth } from '../sql/truth.ts'
import { sqlUserStore } from '../sql/user-store.ts'

// SQLite takes anything into any column, and other programs have.
const NO_FILTER = { branchId: null, role: null, status: null }
const BEYOND = '9007199254740993'

function countingTruth({ database, scan }: Pick<Rig, 'database' | 'scan'>) {
  const lines: object[] = []
  const oddities = countOddities({ warn: (fields) => void lines.push(fields) })
  return { truth: sqlTruth({ point: database, scan, dialect: database.dialect, oddities }), oddities, lines }
}

async function twoUsers(rig: Rig): Promise<void> {
  await insertUser(rig.database, 1)
  await insertUser(rig.database, 2)
  await insertRole(rig.database, 'cashier')
}
const VALUES: [what: string, kind: Oddity, statement: string][] = [
  ['a limit beyond 2^53', 'limit', `INSERT INTO user_limits VALUES (1, 'refund-amount', ${BEYOND})`],
  ['a limit beyond 2^53 below zero', 'limit', `INSERT INTO user_limits VALUES (1, 'refund-amount', -${BEYOND})`],
  ['a limit of text', 'limit', `INSERT INTO user_limits VALUES (1, 'refund-amount', 'much')`],
  ['a limit with a fraction', 'limit', `INSERT INTO user_limits VALUES (1, 'refund-amount', 1.5)`],
  ['a limit of bytes', 'limit', `INSERT INTO user_limits VALUES (1, 'refund-amount', x'ff')`],
  ['a preference of bytes', 'preference', `INSERT INTO user_preferences VALUES (1, 'theme', x'ff')`],
  ['a branch of bytes', 'branch', `INSERT INTO user_branches VALUES (1, x'ff')`],
  ['a grant at a branch of bytes', 'grant', `INSERT INTO user_roles VALUES (1, 'cashier', x'ff')`],
  ['a grant at an empty branch', 'grant', `INSERT INTO user_roles VALUES (1, 'cashier', '')`],
  ['an empty branch', 'branch', `INSERT INTO user_branches VALUES (1, ' ')`],
]

test('what the domain cannot hold is left out, and counted; nobody else and nothing else is missing', async (t) => {
  for (const [what, kind, statement] of VALUES) {
    await t.test(what, async (t) => {
      const rig = await openSqliteRig(t)
      await twoUsers(rig)
      await run(rig.database, statement)
      const { truth, oddities, lines } = countingTruth(rig)
      const [odd, other] = await truth.users([1, 2])
      assert.deepEqual(
        [odd?.user?.limits, { ...odd?.user?.preferences }, odd?.user?.branches, odd?.user?.roles],
        [{}, {}, [], []],
      )
      assert.deepEqual([odd?.settled, other?.settled, other?.user?.id], [true, true, 2])
      assert.deepEqual(oddities.counts(), { [kind]: 1 })
      assert.deepEqual(lines, [{ oddity: kind, id: 1 }])
    })
  }
})

test('names, texts and times that are none read as empty, and the user can still be changed', async (t) => {
  const rig = await openSqliteRig(t)
  await twoUsers(rig)
  await run(
    rig.database,
    `UPDATE users SET given_name = x'ff', job_title = x'ff', home_branch_id = x'ff', status = x'ff', created_at = '',
       updated_at = 'yesterday' WHERE user_id = 1`,
    `INSERT INTO user_limits VALUES (1, 'refund-amount', ${BEYOND})`,
  )
  const { truth, oddities, lines } = countingTruth(rig)
  const user = (await truth.user(1)).user ?? assert.fail('there is one')
  assert.deepEqual([user.givenName, user.jobTitle, user.homeBranchId, user.status], ['', null, null, 'suspended'])
  assert.deepEqual([user.createdAt, user.updatedAt], ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'])
  assert.deepEqual(oddities.counts(), { text: 3, time: 2, status: 1, limit: 1 })
  assert.equal(lines.length, 4, 'one line a kind')
  const context = { expectedVersions: null, by: { name: 'local', requestId: 'r1', address: '-', ...UNLIMITED } }
  await sqlUserStore(rig.database).update(1, context, () => [
    { type: 'limit-set', userId: 1, at: '2024-06-01T09:00:00.000Z', limit: 'refund-amount', value: 7 },
  ])
  assert.deepEqual((await truth.user(1)).user?.limits, { 'refund-amount': 7 })
})

test('what older programs write for nothing reads as nothing, and is counted', async (t) => {
  const rig = await openSqliteRig(t)
  await twoUsers(rig)
  await run(rig.database, `UPDATE users SET email = '', phone = '  ', job_title = 'Clerk' WHERE user_id = 1`)
  const { truth, oddities } = countingTruth(rig)
  const user = (await truth.user(1)).user ?? assert.fail('there is one')
  assert.deepEqual([user.email, user.phone, user.jobTitle], [null, null, 'Clerk'])
  assert.deepEqual(oddities.counts(), { empty: 2 })
})

test('text of another code page is shown as it came, and counted', async (t) => {
  const rig = await openSqliteRig(t)
  await twoUsers(rig)
  for (const [column, text] of [
    ['given_name', 'Zo\ufffd'],
    ['family_name', 'M\u00fcller'],
    ['job_title', 'caf\u0092'],
    ['phone', '\u001a1'],
  ]) {
    await rig.database.execute(`UPDATE users SET ${column} = ? WHERE user_id = 1`, [text ?? ''])
  }
  const { truth, oddities } = countingTruth(rig)
  const user = (await truth.user(1)).user ?? assert.fail('there is one')
  assert.deepEqual([user.givenName, user.familyName, user.jobTitle], ['Zo\ufffd', 'M\u00fcller', 'caf\u0092'])
  assert.deepEqual(oddities.counts(), { encoding: 3 })
})

test('a flag is 0 and 1, or Y and N; what is neither counts as set', async (t) => {
  const rig = await openSqliteRig(t)
  const flags = ['0', '1', 'N', 'Y', 'n ', 'J', '']
  for (const [index, flag] of flags.entries()) {
    await rig.database.execute('INSERT INTO roles (role, title, privileged) VALUES (?, ?, ?)', [`r${index}`, 'x', flag])
  }
  const read = (await truthOf(rig).roles()).roles.map(({ privileged }) => privileged)
  assert.deepEqual(read, [false, true, false, true, false, true, false])
})

test('a role with a title of bytes is shown by its name, and its odd permissions give nothing', async (t) => {
  const rig = await openSqliteRig(t)
  await insertRole(rig.database, 'cashier', ['receipt.void'])
  await run(
    rig.database,
    `UPDATE roles SET title = x'ff', privileged = ${BEYOND}`,
    `INSERT INTO role_permissions VALUES ('cashier', x'ff', 'allow')`,
  )
  const { truth, oddities } = countingTruth(rig)
  const permissions = [{ permission: 'receipt.void', effect: 'allow' }]
  assert.deepEqual((await truth.roles()).roles, [{ role: 'cashier', title: 'cashier', privileged: true, permissions }])
  assert.deepEqual(oddities.counts(), { role: 2 })
})

test('who is numbered beyond what JSON carries, or below 1, is no user of this service', async (t) => {
  const rig = await openSqliteRig(t)
  await insertUser(rig.database, 1)
  await insertUser(rig.database, Number.MAX_SAFE_INTEGER)
  for (const id of ['9007199254740995', '0', '-7']) {
    await run(
      rig.database,
      `INSERT INTO users (user_id, username, given_name, family_name, created_at, updated_at)
       VALUES (${id}, 'odd${id}', 'a', 'b', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
    )
  }
  const truth = truthOf(rig)
  const everybody = [1, Number.MAX_SAFE_INTEGER]
  assert.deepEqual(await truth.userIds(NO_FILTER, 0, 10), everybody)
  assert.deepEqual(await truth.userIds({ ...NO_FILTER, status: 'active' }, 0, 10), everybody)
  assert.deepEqual(await truth.usersChangedSince('2000-01-01 00:00:00.000', 0, 10), everybody)
  assert.equal(await truth.userIdByUsername('odd9007199254740995'), null)
  assert.equal(await truth.userIdByUsername('odd0'), null)
})

test('a user whose rows cannot be read at all fails nobody else', async (t) => {
  const rig = await openSqliteRig(t)
  await twoUsers(rig)
  // SQLite itself fails on this: the sum of the user's counters overflows.
  await run(
    rig.database,
    `UPDATE entity_versions SET version = 9223372036854775807 WHERE entity_id = '1' AND source = 'users'`,
  )
  const truth = truthOf(rig)
  const [odd, other] = await truth.users([1, 2])
  assert.deepEqual(odd, { userId: 1, version: 0, user: null, settled: false, unreadable: true })
  assert.deepEqual([other?.user?.id, other?.settled], [2, true])
  await assert.rejects(truth.user(1), { name: 'SqlError' })
  await assert.rejects(truth.users([1]), { name: 'SqlError' })
})

test('a database that is out of reach is asked once, not once a user', async () => {
  let asked = 0
  const query = async <Row extends SqlRow>(_sql: string, _params?: SqlValue[]): Promise<Row[]> => {
    asked += 1
    throw new DomainError('database-unavailable', 'gone')
  }
  const point: Session = { query, execute: async () => 0 }
  const truth = sqlTruth({
    point,
    scan: point,
    dialect: { name: 'sqlite', limit: String, utcNow: '', lower: String },
  })
  await assert.rejects(truth.users([1, 2, 3]), { code: 'database-unavailable' })
  assert.equal(asked, 1)
})
