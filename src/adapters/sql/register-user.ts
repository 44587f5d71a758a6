import type { Idempotency } from '../../ports/idempotency.ts'
import type { Actor, Database, Session, UserStore, Written } from '../../ports.ts'
import { type AuditOptions, writeAudit } from './audit.ts'
import { type KeyOptions, onceAKey } from './command-keys.ts'
import { toSqlTime } from './time.ts'
import { detailColumns } from './user-events.ts'
import { readVersions } from './user-rows.ts'
import { holdersOf, refuseTakenUsername, refusingDuplicateUsername } from './usernames.ts'

type Registration = Parameters<UserStore['register']>[0]
type Registered = Written & { userId: number }

/** Registers a user, once a key. Throws `username-taken`. */
export function registerUser(
  writing: AuditOptions & KeyOptions & { database: Database },
  registration: Registration,
  by: Actor,
  idempotency: Idempotency | null,
): Promise<Registered> {
  const { database, events } = writing
  return onceAKey(writing, idempotency, (session) => insertUser(database, session, registration, { by, events }))
}

async function insertUser(
  database: Database,
  session: Session,
  registration: Registration,
  { by, events }: AuditOptions & { by: Actor },
): Promise<{ userId: number; version: number }> {
  // Decided before the id is known, and again with it: the event of the audit names the user.
  const { details, homeBranchId, at } = registration(0)
  await refuseTakenUsername(session, database.dialect, details.username, null)
  const columns = {
    ...detailColumns(details),
    status: 'active',
    home_branch_id: homeBranchId,
    created_at: toSqlTime(at),
    updated_at: toSqlTime(at),
  }
  const names = Object.keys(columns)
  await refusingDuplicateUsername(details.username, () =>
    session.execute(
      `INSERT INTO users (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      Object.values(columns),
    ),
  )
  const userId = await newUserId(database, session, details.username)
  if (homeBranchId !== null) {
    await session.execute('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', [userId, homeBranchId])
  }
  const entity = { name: 'user', id: String(userId) } as const
  const { dialect } = database
  await writeAudit(session, { dialect, entity, before: null, happened: [registration(userId)], by, events })
  const version = (await readVersions(session, [userId])).get(userId) ?? 0
  return { userId, version }
}

/** By the name, which is unique: how a database tells the key that it has just given differs from one to the next. */
async function newUserId({ dialect }: Database, session: Session, username: string): Promise<number> {
  const [row] = await holdersOf(session, dialect, username)
  const userId = Number(row?.user_id)
  if (!Number.isSafeInteger(userId) || userId < 1)
    throw new Error('the database gave the new user no id that JSON carries')
  return userId
}
