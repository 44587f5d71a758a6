import { type Database, DIRECT_STREAM, type FeedMark, type Session, type Truth } from '../../ports.ts'
import { type Claim, claimer, MAX_CLAIMED, NOBODY } from './claiming.ts'
import { databaseNow, later } from './database-time.ts'
import { inList } from './in-list.ts'

export type SqlChanges = ReturnType<typeof sqlChanges>
/** Where a feed takes changes from, with a claim on them, and what becomes of those. */
export type ChangeSource = Omit<SqlChanges, 'oldest' | 'claim'> & { claim(): Promise<Claim | 'none' | 'clash'> }

/**
 * The outbox, shared by workers: each takes rows by a claim that holds for `leaseMs`. Rows are taken by what is there,
 * never by "greater than the last id": ids commit out of order. Times are the database's.
 */
export function sqlChanges(database: Database, { leaseMs, overdueMs = 0 }: { leaseMs: number; overdueMs?: number }) {
  const { dialect } = database
  return {
    claim: claimer(database, { leaseMs, overdueMs }),
    /** Holds for another `leaseMs` what is still held. */
    async renew(claim: string): Promise<void> {
      const until = later(await databaseNow(database, dialect), leaseMs)
      await database.execute('UPDATE change_claims SET free_at = ? WHERE claim = ?', [until, claim])
    },
    /** Gives back, so that others may take them after `afterMs`. Only what this claim still holds: answers how many. */
    async release(claim: string, changeIds: number[], { attempts, afterMs }: Released): Promise<number> {
      const freeAt = later(await databaseNow(database, dialect), afterMs)
      const ids = inList(changeIds)
      return database.execute(
        `UPDATE change_claims SET claim = '${NOBODY}', free_at = ?, attempts = attempts + ?
         WHERE claim = ? AND change_id IN ${ids.sql}`,
        [freeAt, attempts, claim, ...ids.params],
      )
    },
    /** Deletes what was handled, at most MAX_CLAIMED, with the claims. Answers how many of these it no longer held. */
    forget: (claim: string, changeIds: number[]): Promise<number> =>
      database.transaction(async (session) => {
        const ids = inList(changeIds)
        const held = await session.execute(`DELETE FROM change_claims WHERE claim = ? AND change_id IN ${ids.sql}`, [
          claim,
          ...ids.params,
        ])
        const lost = changeIds.length - held
        // Whoever took them over finds nothing left to do.
        if (lost > 0) await session.execute(`DELETE FROM change_claims WHERE change_id IN ${ids.sql}`, ids.params)
        await session.execute(`DELETE FROM entity_changes WHERE change_id IN ${ids.sql}`, ids.params)
        return lost
      }),
    oldest: () => oldestChange(database),
    /** Deletes claims whose change is gone: somebody else emptied the outbox, or deleted a row while it was claimed. */
    async sweep(): Promise<void> {
      const gone = await database.query<{ change_id: number }>(
        `SELECT h.change_id FROM change_claims h LEFT OUTER JOIN entity_changes c ON c.change_id = h.change_id
         WHERE c.change_id IS NULL AND h.free_at <= ${dialect.utcNow} ORDER BY h.change_id ${dialect.limit(MAX_CLAIMED)}`,
      )
      if (gone.length === 0) return
      const ids = inList(gone.map((row) => row.change_id))
      await database.execute(
        `DELETE FROM change_claims WHERE change_id IN ${ids.sql} AND free_at <= ${dialect.utcNow}`,
        ids.params,
      )
    },
  }
}
/** `attempts`: how many to add. */
export type Released = { attempts: number; afterMs: number }

/** Marks of what is handled out of the outbox. */
export function outboxMark(changes: Pick<SqlChanges, 'oldest'>, truth: Pick<Truth, 'now'>) {
  return async (): Promise<FeedMark> => {
    // Read before the rows are: what becomes visible after it may still have an earlier time, by a transaction's length.
    const now = await truth.now()
    const oldest = await changes.oldest()
    return { before: oldest !== null && oldest < now ? oldest : now, stream: DIRECT_STREAM }
  }
}

/** Deletes what was handled, at most MAX_CLAIMED, whoever had claimed it. */
export async function deleteChanges(session: Pick<Session, 'execute'>, changeIds: number[]): Promise<void> {
  const ids = inList(changeIds)
  await session.execute(`DELETE FROM change_claims WHERE change_id IN ${ids.sql}`, ids.params)
  await session.execute(`DELETE FROM entity_changes WHERE change_id IN ${ids.sql}`, ids.params)
}

/** When the oldest change was written, whoever has it in hand; null when there is none. */
export async function oldestChange(session: Pick<Session, 'query'>): Promise<string | null> {
  const [row] = await session.query<{ oldest: string | null }>('SELECT MIN(changed_at) AS oldest FROM entity_changes')
  return row?.oldest ?? null
}
