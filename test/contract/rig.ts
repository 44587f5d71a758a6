import assert from 'node:assert/strict'
import { sqlTruth } from '../../src/adapters/sql/truth.ts'
import { UNLIMITED } from '../../src/domain/authority.ts'
import type { Database, Session, SqlRow, SqlValue, Truth } from '../../src/ports.ts'

/** A test's context; what is started for it ends with it. */
export type Owner = { after(end: () => unknown): void }

/** Ends what was started last first, whatever fails meanwhile: node:test itself goes from the first to the last. */
export function lastFirst(t: Owner): Owner {
  const ends: (() => unknown)[] = []
  t.after(async () => {
    const failures: unknown[] = []
    for (const end of ends.reverse()) {
      try {
        await end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not all could be ended')
  })
  return { after: (end) => void ends.push(end) }
}

/** What an adapter has to give, to be tested. What `after` is told runs before the rig's own parts are closed. */
export type Rig = Owner & {
  /** The adapter, on a database that holds the reference schema and nobody. */
  database: Database
  scan: Pick<Session, 'query'>
  /** The adapter once more on the same database: another replica. */
  other: Database
  /** A program of another kind, in another process. Each `?` of a statement is the round's number, from 1. */
  otherProgram(transaction: string[], rounds: number): OtherProgram
  /** Who reads waits for a row that a transaction has written, until that ends: then nothing is read while it is held. */
  readersWait?: boolean
  /** How many rounds of another program this database does in a test's time; as many as the test wants when left out. */
  rounds?: number
  /** How many changes are a great deal for it; as many as the test wants when left out. */
  changes?: number
  /** How soon a worker of it may be taken for dead; what is usual when left out. */
  leaseMs?: number
  /** How long a great deal of work may take it; what is usual when left out. */
  patienceMs?: number
}
export type OtherProgram = { running(): boolean; ended: Promise<void> }

/** `lockWaitMs`: how long a write waits for another's lock before it is refused; the adapter's own when left out. */
export type OpenRig = (t: Owner, options?: { lockWaitMs?: number }) => Promise<Rig>

export const AT = '2024-06-01T09:00:00.000Z'
export const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }
export const ANY_VERSION = { expectedVersions: null, by: BY }

export function truthOf({ database, scan }: Pick<Rig, 'database' | 'scan'>): Truth {
  return sqlTruth({ point: database, scan, dialect: database.dialect })
}

const TABLES = {
  users: 'user_id',
  user_branches: 'user_id, branch_id',
  user_roles: 'user_id, role, branch_id',
  user_limits: 'user_id, limit_name',
  user_preferences: 'user_id, preference_key',
  roles: 'role',
  role_permissions: 'role, permission',
  entity_versions: 'entity, entity_id, source',
  entity_changes: 'change_id',
  change_claims: 'change_id',
  parked_changes: 'change_id',
  user_audit: 'audit_id',
  audit_chain: 'audit_id',
  audit_heads: 'entity, entity_id',
  pending_events: 'audit_id',
  relay_leases: 'lease',
  service_switches: 'switch_name',
  command_keys: 'command_key',
} as const satisfies Record<string, string>

/** Every row of every table, to see that nothing was written. */
export async function everything(session: Pick<Session, 'query'>): Promise<Record<string, SqlRow[]>> {
  const rows: Record<string, SqlRow[]> = {}
  for (const [table, order] of Object.entries(TABLES)) {
    // A command's own mark, by which an adapter finds it again, is nothing that was written.
    const shown = table === 'command_keys' ? `WHERE command_key NOT LIKE 'tx:%'` : ''
    rows[table] = await session.query(`SELECT * FROM ${table} ${shown} ORDER BY ${order}`)
  }
  return rows
}

/** Runs `work`, and sees that afterwards every table is as it was. */
export async function changingNothing<Result>(database: Database, work: () => Promise<Result>): Promise<Result> {
  const before = await everything(database)
  const result = await work()
  assert.deepEqual(await everything(database), before, 'nothing was written')
  return result
}

export async function insertUser(session: Session, userId: number, username = `user.${userId}`): Promise<void> {
  await session.execute(
    `INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at)
     VALUES (?, ?, 'Ann', 'Lee', 'active', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
    [userId, username],
  )
}

export async function insertRole(session: Session, role: string, permissions: string[] = []): Promise<void> {
  await session.execute('INSERT INTO roles (role, title, privileged) VALUES (?, ?, 0)', [role, role])
  for (const permission of permissions) {
    await session.execute(`INSERT INTO role_permissions (role, permission, effect) VALUES (?, ?, 'allow')`, [
      role,
      permission,
    ])
  }
}

export async function run(session: Session, ...statements: string[]): Promise<void> {
  for (const statement of statements) await session.execute(statement)
}

/** The only number of a row that says one, `SELECT … AS n`. */
export async function numberOf(session: Pick<Session, 'query'>, sql: string, params: SqlValue[] = []): Promise<number> {
  const [row] = await session.query<{ n: number }>(sql, params)
  return Number(row?.n)
}

/** Each counter, by `entity id source`. */
export async function versions(session: Pick<Session, 'query'>): Promise<Map<string, number>> {
  const rows = await session.query('SELECT entity, entity_id, source, version FROM entity_versions')
  return new Map(rows.map((row) => [`${row.entity} ${row.entity_id} ${row.source}`, Number(row.version)]))
}

/** One way to the database and back, past every lock: what was asked before is on its way. */
export const roundTrip = (session: Pick<Session, 'query'>) => session.query('SELECT epoch FROM service_epoch')

/** A promise that the test resolves: what is held until then. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: () => resolve() }
}

/** Takes locks by `statements` on another replica, and holds them until `release`. */
export async function holding({ other, after }: Rig, ...statements: string[]) {
  const taken = gate()
  const { passed, open } = gate()
  const ended = other.transaction(async (session) => {
    await run(session, ...statements)
    taken.open()
    await passed
  })
  after(open)
  await Promise.race([taken.passed, ended])
  return async function release(): Promise<void> {
    open()
    await ended
  }
}
