import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PENDING_READ, pendingEvents } from '../../src/adapters/sql/pending-events.ts'
import { sqlRoleStore } from '../../src/adapters/sql/role-store.ts'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import { decideDefineRole, decideRemoveRole, type Role } from '../../src/domain/role.ts'
import type { Database, SqlRow, SqlValue } from '../../src/ports.ts'
import { failingAt } from './change-claims.ts'
import { ANY_VERSION, AT, BY, insertRole, insertUser, numberOf, type OpenRig, type Owner, type Rig } from './rig.ts'

const WANTED = { events: true }
const CASHIER: Role = { role: 'cashier', title: 'Cashier', privileged: false, permissions: [] }
const DETAILS = { givenName: 'Ann', familyName: 'Lee', employeeNumber: null, email: null, phone: null, jobTitle: null }
const FIRST_ID = 10_001

const suspend = (database: Database, userId: number, options = WANTED) =>
  sqlUserStore(database, options).update(userId, ANY_VERSION, () => [{ type: 'user-suspended', userId, at: AT }])
/** Two events of one command. */
const assign = (database: Database, userId: number, branchId: string) =>
  sqlUserStore(database, WANTED).update(userId, ANY_VERSION, () => [
    { type: 'branch-assigned', userId, at: AT, branchId },
    { type: 'home-branch-changed', userId, at: AT, branchId },
  ])
const register = (database: Database, username: string) =>
  sqlUserStore(database, WANTED).register(
    (userId) => ({ type: 'user-registered', userId, at: AT, details: { ...DETAILS, username }, homeBranchId: null }),
    BY,
    null,
  )
const define = (database: Database, role: Role) =>
  sqlRoleStore(database, WANTED).update(role.role, ANY_VERSION, (catalogue) => decideDefineRole(catalogue, role, AT))
const remove = (database: Database, role: string) =>
  sqlRoleStore(database, WANTED).update(role, ANY_VERSION, (catalogue, holders) =>
    decideRemoveRole(catalogue, role, holders, AT),
  )

async function openUsers(t: Owner, open: OpenRig, users = 2) {
  const rig = await open(t)
  for (let userId = 1; userId <= users; userId += 1) await insertUser(rig.database, userId)
  return { rig, ...rig, ...pendingEvents(rig.database) }
}

/** Entries that nobody's command wrote, `FIRST_ID` and on. */
async function fill({ database }: Rig, count: number): Promise<number[]> {
  const ids = Array.from({ length: count }, (_, index) => FIRST_ID + index)
  await database.transaction(async (session) => {
    for (const id of ids) await session.execute('INSERT INTO pending_events (audit_id) VALUES (?)', [id])
  })
  return ids
}

const happened = async ({ next }: Pick<ReturnType<typeof pendingEvents>, 'next'>, limit = MAX_PENDING_READ) =>
  (await next(limit)).map(({ entity, entityId, event }) => `${entity} ${entityId} ${(event as { type: string }).type}`)

export function pendingEventsContract(open: OpenRig): void {
  describe('pending events', () => {
    noting(open)
    taking(open)
    racing(open)
  })
}

function noting(open: OpenRig): void {
  test('each event of a command waits to be published, in the order in which it was written', async (t) => {
    const { database, next, count } = await openUsers(t, open)
    await insertRole(database, 'baker')
    await suspend(database, 2)
    await assign(database, 1, 'B7')
    const { userId } = await register(database, 'bo.lee')
    await define(database, CASHIER)
    await define(database, { ...CASHIER, title: 'Till' })
    await remove(database, 'cashier')
    assert.deepEqual(await happened({ next }), [
      'user 2 user-suspended',
      'user 1 branch-assigned',
      'user 1 home-branch-changed',
      `user ${userId} user-registered`,
      'role cashier role-defined',
      'role cashier role-defined',
      'role cashier role-removed',
    ])
    assert.equal(await count(), 7)
    const written = await database.query<{ audit_id: number }>('SELECT audit_id FROM user_audit ORDER BY audit_id')
    const events = await next(MAX_PENDING_READ)
    assert.deepEqual(
      events.map(({ auditId }) => auditId),
      written.map((row) => row.audit_id),
    )
    assert.deepEqual(events[1]?.event, { type: 'branch-assigned', userId: 1, at: AT, branchId: 'B7' })
  })

  test('nothing waits when no events are wanted, not even what was written before they were', async (t) => {
    const { database, next } = await openUsers(t, open)
    await suspend(database, 1, { events: false })
    assert.deepEqual(await happened({ next }), [])
    await assign(database, 1, 'B7')
    assert.deepEqual(await happened({ next }), ['user 1 branch-assigned', 'user 1 home-branch-changed'])
  })

  test('a command that changes nothing, or fails, leaves nothing to publish', async (t) => {
    const { database, count } = await openUsers(t, open)
    await sqlUserStore(database, WANTED).update(1, ANY_VERSION, () => [])
    await assert.rejects(suspend(failingAt(database, 'INSERT INTO pending_events'), 1), /planted/)
    assert.equal(await count(), 0)
    assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 0, 'nor an entry of the audit')
  })
}

function taking(open: OpenRig): void {
  test('they are read from the lowest number on, at most as many as asked for, until they are forgotten', async (t) => {
    const { database, next, forget, count } = await openUsers(t, open)
    for (const branch of ['B1', 'B2']) await assign(database, 1, branch)
    const [first, second] = await next(2)
    assert.deepEqual(await next(2), [first, second], 'reading takes nothing away')
    assert.deepEqual(await next(1, first?.auditId), [second], 'and goes on after what is to wait')
    await forget([first?.auditId ?? 0, second?.auditId ?? 0])
    assert.deepEqual(await happened({ next }, 1), ['user 1 branch-assigned'])
    assert.equal(await count(), 2)
    assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 4, 'the audit keeps them')
  })

  test('what is asked for has bounds', async (t) => {
    const { rig, next, forget, count } = await openUsers(t, open)
    const ids = await fill(rig, MAX_PENDING_READ + 1)
    for (const limit of [0, MAX_PENDING_READ + 1, Number.NaN]) await assert.rejects(next(limit), RangeError)
    await assert.rejects(forget(ids), RangeError)
    assert.equal(await count(), MAX_PENDING_READ + 1)
    await forget([])
    await forget(ids.slice(1))
    assert.equal(await count(), 1)
  })

  test('what the audit no longer has is skipped and forgotten, however much of it there is', async (t) => {
    const { rig, database, next, count } = await openUsers(t, open)
    await fill(rig, MAX_PENDING_READ + 1)
    await database.execute(
      `INSERT INTO user_audit (audit_id, entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
       VALUES (20001, 'user', '2', 'user-suspended', ?, 'a', 'r', 'l', '2020-01-01 00:00:00.000')`,
      [JSON.stringify({ type: 'user-suspended', userId: 2, at: AT })],
    )
    await database.execute('INSERT INTO pending_events (audit_id) VALUES (20001)')
    assert.deepEqual(await happened({ next }, 100), ['user 2 user-suspended'])
    assert.equal(await count(), 1)
  })

  test('an entry that is no JSON is told as such', async (t) => {
    const { database, next } = await openUsers(t, open)
    await suspend(database, 1)
    await database.execute(`UPDATE user_audit SET event = '{"type":'`)
    const events = await next(1)
    assert.deepEqual([events.length, events[0]?.entityId, events[0]?.event], [1, '1', null])
  })

  test('the fence comes first, in the same transaction: when it refuses, nothing is forgotten', async (t) => {
    const { database, next, forget, count } = await openUsers(t, open)
    await assign(database, 1, 'B1')
    const ids = (await next(2)).map(({ auditId }) => auditId)
    const refusal = new Error('the lease is lost')
    const seen: number[] = []
    await assert.rejects(
      forget(ids, async (session) => {
        await session.execute(`UPDATE users SET status = 'suspended' WHERE user_id = 2`)
        throw refusal
      }),
      refusal,
    )
    assert.equal(await count(), 2)
    assert.equal(await numberOf(database, `SELECT COUNT(*) AS n FROM users WHERE status = 'suspended'`), 0)
    await forget(ids, async (session) => {
      seen.push(await numberOf(session, 'SELECT COUNT(*) AS n FROM pending_events'))
    })
    assert.deepEqual([seen, await count()], [[2], 0])
  })
}

function racing(open: OpenRig): void {
  test('what is committed while they are read is not taken for deleted', async (t) => {
    const { database, other, next, count } = await openUsers(t, open)
    await suspend(database, 1)
    let committed = 0
    const between: Database = {
      ...database,
      async query<Row extends SqlRow>(sql: string, params?: SqlValue[]) {
        const rows = await database.query<Row>(sql, params)
        // After the first of the statements, whichever that is.
        if (committed === 0) await suspend(other, 2)
        committed += 1
        return rows
      },
    }
    assert.deepEqual(await happened(pendingEvents(between)), ['user 1 user-suspended'])
    assert.deepEqual(await happened({ next }), ['user 1 user-suspended', 'user 2 user-suspended'])
    assert.equal(await count(), 2)
  })

  test('commands at two replicas leave each of their events once, and those of one user in order', async (t) => {
    const { database, other, next } = await openUsers(t, open)
    const users = [1, 2]
    for (let round = 1; round <= 5; round += 1) {
      await Promise.all(
        users.flatMap((userId) =>
          [database, other].map((replica, index) => assign(replica, userId, `B${round}${index}`)),
        ),
      )
    }
    const events = await next(MAX_PENDING_READ)
    assert.equal(events.length, 40)
    assert.equal(new Set(events.map(({ event }) => JSON.stringify(event))).size, 40)
    for (const userId of users) {
      const branches = events
        .filter(({ entityId }) => entityId === String(userId))
        .map(({ event }) => event as { type: string; branchId: string })
      for (let index = 0; index < branches.length; index += 2) {
        assert.equal(branches[index]?.type, 'branch-assigned')
        assert.equal(branches[index + 1]?.type, 'home-branch-changed')
        assert.equal(branches[index]?.branchId, branches[index + 1]?.branchId)
      }
    }
  })
}
