import { DomainError } from '../../domain/errors.ts'
import { type Idempotency, MAX_STORED_ANSWER_BYTES, type StoredAnswer } from '../../ports/idempotency.ts'
import type { Database, Dialect, Session, SqlRow, Written } from '../../ports.ts'
import { asciiJson } from './ascii-json.ts'
import { databaseNow, later } from './database-time.ts'
import { isSqlError } from './errors.ts'
import { inList } from './in-list.ts'

/** Rows of command_keys that are transactions' own marks begin with this; callers' keys, which are digests, never do. */
export const MARK_PREFIX = 'tx:'
/** Where nobody says otherwise. */
export const KEYS_KEPT_MS = 86_400_000

/** Each finds that the key has expired, or was deleted, in just that moment. */
const MAX_CLAIMS = 3
const READ_AT_ONCE = 500
/** What a claimed key holds until its answer is kept. Nobody sees it: it is never committed. */
const NO_ANSWER = '-'

type Done = { userId: number; version: number }
type Answered = Written & Done
/** `keysKeptMs`: a key that is older counts as never used. */
export type KeyOptions = { keysKeptMs: number }
type KeyRow = SqlRow & { request_hash: string; answer: string; created_at: string; now: string }

/**
 * `work` in one transaction, once a key; with a key that was used before, what was answered then. What is refused is rolled
 * back with its key. `idempotency-key-in-use`: another request with this key was waited for, and is still under way.
 */
export async function onceAKey(
  { database, keysKeptMs }: KeyOptions & { database: Database },
  idempotency: Idempotency | null | undefined,
  work: (session: Session) => Promise<Done>,
): Promise<Answered> {
  let claiming = false
  const once = async (session: Session): Promise<Answered> => {
    if (!idempotency) return { ...(await work(session)), visible: true }
    claiming = true
    const earlier = await claim(session, database.dialect, idempotency, keysKeptMs)
    claiming = false
    if (earlier) return earlier
    const done = await work(session)
    await keep(session, idempotency, done)
    return { ...done, visible: true }
  }
  try {
    return await database.transaction(once, { certain: true })
  } catch (error) {
    // Told from here and not from where it is met: a deadlock's victim begins again below.
    if (claiming && error instanceof DomainError && error.code === 'busy') throw inUse(error)
    throw error
  }
}

/**
 * Null: the key is this transaction's. It is inserted before anything is looked at, so that of two who show one key the
 * second waits for the first one's transaction, and then finds its answer or, where that was rolled back, none.
 */
async function claim(
  session: Session,
  dialect: Dialect,
  { key, requestHash }: Idempotency,
  keysKeptMs: number,
): Promise<Answered | null> {
  for (let attempt = 1; attempt <= MAX_CLAIMS; attempt += 1) {
    if (await inserted(session, dialect, key, requestHash)) return null
    const [row] = await session.query<KeyRow>(
      `SELECT request_hash, answer, created_at, ${dialect.utcNow} AS now FROM command_keys WHERE command_key = ?`,
      [key],
    )
    if (!row) continue
    if (row.created_at >= later(row.now, -keysKeptMs)) return answered(row, requestHash)
    // By the age that was seen: of two who find it expired, one takes it over.
    const taken = await session.execute(
      `UPDATE command_keys SET request_hash = ?, answer = ?, created_at = ${dialect.utcNow}
       WHERE command_key = ? AND created_at = ?`,
      [requestHash, NO_ANSWER, key, row.created_at],
    )
    if (taken === 1) return null
  }
  throw inUse()
}

async function inserted(session: Session, dialect: Dialect, key: string, requestHash: string): Promise<boolean> {
  try {
    await session.execute(
      `INSERT INTO command_keys (command_key, request_hash, answer, created_at) VALUES (?, ?, ?, ${dialect.utcNow})`,
      [key, requestHash, NO_ANSWER],
    )
    return true
  } catch (error) {
    if (!isSqlError(error, 'duplicate')) throw error
    return false
  }
}

function answered({ request_hash, answer: kept }: KeyRow, requestHash: string): Answered {
  if (request_hash !== requestHash) {
    throw new DomainError('idempotency-key-reused', 'This Idempotency-Key was used for another request.')
  }
  const { userId, version, ...answer } = JSON.parse(kept) as Done & StoredAnswer
  return { userId, version, visible: true, answer }
}

async function keep(session: Session, { key, answer }: Idempotency, { userId, version }: Done): Promise<void> {
  const kept = asciiJson({ userId, version, ...answer({ userId, version }) })
  if (kept.length > MAX_STORED_ANSWER_BYTES) throw new RangeError(`an answer of ${kept.length} bytes cannot be kept`)
  await session.execute('UPDATE command_keys SET answer = ? WHERE command_key = ?', [kept, key])
}

function inUse(cause?: unknown): DomainError {
  const detail = 'A request with this Idempotency-Key is still being carried out; try again.'
  return new DomainError('idempotency-key-in-use', detail, undefined, { cause })
}

/**
 * Deletes what has expired, and answers how many. By pages of the primary key, each a statement of its own: no index knows
 * the age. Who deletes at the same time takes nothing away from this. Transactions' marks have a sweep of their own.
 */
export async function deleteExpiredKeys(database: Database, keysKeptMs: number, stop?: AbortSignal): Promise<number> {
  const { dialect } = database
  const before = later(await databaseNow(database, dialect), -keysKeptMs)
  let deleted = 0
  for (let last = ''; !stop?.aborted; ) {
    const page = await database.query<SqlRow & { command_key: string; created_at: string }>(
      `SELECT command_key, created_at FROM command_keys
       WHERE command_key > ? AND command_key NOT LIKE '${MARK_PREFIX}%' ORDER BY command_key ${dialect.limit(READ_AT_ONCE)}`,
      [last],
    )
    const expired = page.filter(({ created_at }) => created_at < before).map(({ command_key }) => command_key)
    if (expired.length > 0) {
      const keys = inList(expired)
      // Its age again: it may have been taken over meanwhile.
      const sql = `DELETE FROM command_keys WHERE command_key IN ${keys.sql} AND created_at < ?`
      deleted += await database.execute(sql, [...keys.params, before])
    }
    const end = page.at(-1)
    if (!end || page.length < READ_AT_ONCE) break
    last = end.command_key
  }
  return deleted
}
