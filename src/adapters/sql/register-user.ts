import { DomainError } from '../../domain/errors.ts'
import type { Actor, Database, IdempotencyKey, Session, SqlRow, UserStore, Written } from '../../ports.ts'
import { type AuditOptions, writeAudit } from './audit.ts'
import { isSqlError } from './errors.ts'
import { toSqlTime } from './time.ts'
import { detailColumns } from './user-events.ts'
import { readVersions } from './user-rows.ts'
import { holdersOf, refuseTakenUsername, refusingDuplicateUsername } from './usernames.ts'

type Registration = Parameters<UserStore['register']>[0]
type Registered = Written & { userId: number }
type KeyRow = SqlRow & { request_hash: string; answer: string }

/**
 * Registers a user, once a key. The key is inserted first, so that of two requests with one key the second waits for
 * the first one's transaction and then finds its answer.
 */
export async function registerUser(
  { database, events }: AuditOptions & { database: Database },
  registration: Registration,
  by: Actor,
  idempotency: IdempotencyKey | null,
): Promise<Registered> {
  const work = async (session: Session) => {
    if (idempotency) {
      const earlier = await claimKey(database, session, idempotency)
      if (earlier) return earlier
    }
    const answer = await insertUser(database, session, registration, { by, events })
    if (idempotency) {
      await session.execute('UPDATE command_keys SET answer = ? WHERE command_key = ?', [
        JSON.stringify(answer),
        idempotency.key,
      ])
    }
    return answer
  }
  return database.transaction(work, { certain: true })
}

async function claimKey(database: Database, session: Session, { key, requestHash }: IdempotencyKey) {
  try {
    await session.execute(
      `INSERT INTO command_keys (command_key, request_hash, answer, created_at) VALUES (?, ?, ?, ${database.dialect.utcNow})`,
      [key, requestHash, '-'],
    )
    return null
  } catch (error) {
    if (!isSqlError(error, 'duplicate')) throw error
  }
  const [row] = await session.query<KeyRow>('SELECT request_hash, answer FROM command_keys WHERE command_key = ?', [
    key,
  ])
  if (row?.request_hash !== requestHash) {
    throw new DomainError('idempotency-key-reused', 'This Idempotency-Key was used for another request.')
  }
  return JSON.parse(row.answer) as Registered
}

async function insertUser(
  database: Database,
  session: Session,
  registration: Registration,
  { by, events }: AuditOptions & { by: Actor },
): Promise<Registered> {
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
  await writeAudit(session, { dialect: database.dialect, entity, happened: [registration(userId)], by, events })
  const version = (await readVersions(session, [userId])).get(userId) ?? 0
  return { userId, version, visible: true }
}

/** By the name, which is unique: how a database tells the key that it has just given differs from one to the next. */
async function newUserId({ dialect }: Database, session: Session, username: string): Promise<number> {
  const [row] = await holdersOf(session, dialect, username)
  const userId = Number(row?.user_id)
  if (!Number.isSafeInteger(userId) || userId < 1)
    throw new Error('the database gave the new user no id that JSON carries')
  return userId
}
