import type { ErasedHistory, HistoryErased } from '../../ports/audit-trail.ts'
import type { Actor, Database, Session, SqlRow } from '../../ports.ts'
import { writeEntries } from './audit-chain.ts'
import { ERASED_ADDRESS, ERASED_EVENT, ERASURE } from './audit-check.ts'
import { readHead } from './audit-links.ts'
import { inList } from './in-list.ts'

const ERASED_AT_ONCE = 100

export type Erasure = {
  userId: number
  reason: string
  /** RFC 3339, UTC, milliseconds. */
  at: string
  by: Pick<Actor, 'name' | 'client' | 'requestId' | 'address'>
}
type Begun = { entries: number; upTo: number; lastId: number }

/** What is left to erase: not what says that something was. */
const ERASABLE = `entity = 'user' AND entity_id = ? AND event_type <> '${ERASURE}' AND event <> ?`

/**
 * Removes what the audit says of a user, and from where it was done; who did what kind of thing, and when, stays, and so do the
 * hashes. Said first, in an entry of its own, and then done in short transactions: broken off in between it is begun again, and
 * nothing was erased that nobody has said.
 */
export async function eraseHistory(database: Database, erasure: Erasure): Promise<ErasedHistory> {
  const begun = await database.transaction((session) => begin(database, session, erasure), { certain: true })
  if ('outcome' in begun) return begun
  const { entries, upTo, lastId } = begun
  let after = Number.MIN_SAFE_INTEGER
  for (;;) {
    const last = await database.transaction((session) => erasePage(database, session, erasure, { after, lastId }))
    if (last === null) return { outcome: 'erased', entries, upTo }
    after = last
  }
}

async function begin(
  { dialect }: Database,
  session: Session,
  { userId, reason, at, by }: Erasure,
): Promise<Begun | ErasedHistory> {
  const id = String(userId)
  // As a command does, whom nobody may come between; who is gone has no row, and no commands.
  await session.execute('UPDATE users SET status = status WHERE user_id = ?', [userId])
  await lockHead(session, id)
  const [pending] = await session.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM user_audit a INNER JOIN pending_events p ON p.audit_id = a.audit_id
     WHERE a.entity = 'user' AND a.entity_id = ?`,
    [id],
  )
  if (Number(pending?.n) > 0) return { outcome: 'pending', entries: Number(pending?.n) }
  const [left] = await session.query<{ n: number; last_id: number | null }>(
    `SELECT COUNT(*) AS n, MAX(audit_id) AS last_id FROM user_audit WHERE ${ERASABLE}`,
    [id, ERASED_EVENT],
  )
  const entries = Number(left?.n ?? 0)
  if (!left || entries === 0) return { outcome: 'nothing' }
  const upTo = (await readHead(session, { entity: 'user', id }))?.last_seq ?? 0
  const event: HistoryErased = { type: ERASURE, userId, at, entries, upTo, reason }
  await writeEntries(session, { dialect, entity: { name: 'user', id }, by, entries: [{ event, before: {} }] })
  return { entries, upTo, lastId: Number(left.last_id) }
}

/** Before the entries themselves: retention takes both in this order, too. */
async function lockHead(session: Session, id: string): Promise<void> {
  await session.execute(`UPDATE audit_heads SET last_seq = last_seq WHERE entity = 'user' AND entity_id = ?`, [id])
}

type Range = { after: number; lastId: number }

/** Answers the last id that it has erased; null: there was none. */
async function erasePage({ dialect }: Database, session: Session, { userId }: Erasure, { after, lastId }: Range) {
  const id = String(userId)
  await lockHead(session, id)
  const rows = await session.query<SqlRow & { audit_id: number }>(
    `SELECT audit_id FROM user_audit WHERE ${ERASABLE} AND audit_id > ? AND audit_id <= ?
     ORDER BY audit_id ${dialect.limit(ERASED_AT_ONCE)}`,
    [id, ERASED_EVENT, after, lastId],
  )
  const last = rows.at(-1)
  if (!last) return null
  const list = inList(rows.map((row) => row.audit_id))
  await session.execute(`UPDATE user_audit SET event = ?, address = ? WHERE audit_id IN ${list.sql}`, [
    ERASED_EVENT,
    ERASED_ADDRESS,
    ...list.params,
  ])
  await session.execute(
    `UPDATE audit_chain SET before_json = NULL, salt = NULL WHERE audit_id IN ${list.sql}`,
    list.params,
  )
  return last.audit_id
}
