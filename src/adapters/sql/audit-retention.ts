import { DomainError } from '../../domain/errors.ts'
import type { Database, Session, SqlRow } from '../../ports.ts'
import { type OfEntity, readHead } from './audit-links.ts'
import { databaseNow, later } from './database-time.ts'
import { inList } from './in-list.ts'

/** What is looked at together, and what one transaction removes at most. */
export const MAX_EXPIRED_AT_ONCE = 500

type EntryRow = SqlRow & { audit_id: number; entity: string; entity_id: string; recorded_at: string }
type OldRow = SqlRow & {
  audit_id: number
  recorded_at: string
  seq: number | null
  chain_hash: string | null
  pending_id: number | null
}
/** The oldest entries of one, up to this id. */
type Old = OfEntity & { upToId: number }

/** Removes entries that are older than `keptMs`, by the database's clock, and answers how many. */
export async function expireHistory(database: Database, keptMs: number, stop?: AbortSignal): Promise<number> {
  return expireBefore(database, later(await databaseNow(database, database.dialect), -keptMs), stop)
}

/**
 * `before`: the database's time. Of each chain from its beginning on and nothing out of its middle, so that what is left is
 * a chain; never what has still to be published. In the order of ids, which is nearly that of time: the walk ends where it
 * finds nothing old any more.
 */
export async function expireBefore(database: Database, before: string, stop?: AbortSignal): Promise<number> {
  let removed = 0
  let after = Number.MIN_SAFE_INTEGER
  while (!stop?.aborted) {
    const rows = await database.query<EntryRow>(
      `SELECT audit_id, entity, entity_id, recorded_at FROM user_audit WHERE audit_id > ?
       ORDER BY audit_id ${database.dialect.limit(MAX_EXPIRED_AT_ONCE)}`,
      [after],
    )
    const old = rows.filter(({ recorded_at: recordedAt }) => recordedAt < before)
    const last = rows.at(-1)
    if (!last || old.length === 0) break
    after = last.audit_id
    for (const one of lastOfEach(old)) {
      if (stop?.aborted) break
      removed += await unlessBusy(database.transaction((session) => expireOnce(database, session, one, before)))
    }
  }
  return removed
}

/** Whoever is just being written has time until the next run. */
async function unlessBusy(removal: Promise<number>): Promise<number> {
  try {
    return await removal
  } catch (error) {
    if (error instanceof DomainError && error.code === 'busy') return 0
    throw error
  }
}

function lastOfEach(rows: EntryRow[]): Iterable<Old> {
  const last = new Map<string, Old>()
  for (const { entity, entity_id: id, audit_id: upToId } of rows) last.set(`${entity} ${id}`, { entity, id, upToId })
  return last.values()
}

async function expireOnce({ dialect }: Database, session: Session, { entity, id, upToId }: Old, before: string) {
  // Before the entries themselves: an erasure takes both in this order, too, and commands never touch old entries.
  await session.execute('UPDATE audit_heads SET kept_seq = kept_seq WHERE entity = ? AND entity_id = ?', [entity, id])
  const rows = await session.query<OldRow>(
    `SELECT a.audit_id, a.recorded_at, c.seq, c.chain_hash, p.audit_id AS pending_id
     FROM user_audit a LEFT OUTER JOIN audit_chain c ON c.audit_id = a.audit_id
       LEFT OUTER JOIN pending_events p ON p.audit_id = a.audit_id
     WHERE a.entity = ? AND a.entity_id = ? AND a.audit_id <= ?
     ORDER BY a.audit_id ${dialect.limit(MAX_EXPIRED_AT_ONCE)}`,
    [entity, id, upToId],
  )
  const head = await readHead(session, { entity, id })
  const mayGo = (row: OldRow) =>
    row.recorded_at < before && row.pending_id === null && (row.seq === null || head !== null)
  const end = rows.findIndex((row) => !mayGo(row))
  const old = end === -1 ? rows : rows.slice(0, end)
  if (old.length === 0) return 0
  const list = inList(old.map((row) => row.audit_id))
  await session.execute(`DELETE FROM audit_chain WHERE audit_id IN ${list.sql}`, list.params)
  await session.execute(`DELETE FROM user_audit WHERE audit_id IN ${list.sql}`, list.params)
  const last = old.findLast((row) => row.seq !== null)
  if (last) {
    await session.execute(
      'UPDATE audit_heads SET kept_seq = ?, kept_hash = ? WHERE entity = ? AND entity_id = ? AND kept_seq < ?',
      [last.seq, last.chain_hash, entity, id, last.seq],
    )
  }
  return old.length
}
