import type { Database } from '../../ports.ts'
import { claimer, MAX_CLAIMED, NOBODY } from './claiming.ts'
import { databaseNow, later } from './database-time.ts'
import { inList } from './in-list.ts'

export type SqlChanges = ReturnType<typeof sqlChanges>

/**
 * The outbox, shared by workers: each takes rows by a claim that holds for `leaseMs`. Rows are taken by what is there,
 * never by "greater than the last id": ids commit out of order. Times are the database's.
 */
export function sqlChanges(database: Database, { leaseMs }: { leaseMs: number }) {
  const { dialect } = database
  return {
    claim: claimer(database, leaseMs),
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
    /** When the oldest change was written, whoever has it in hand; null when there is none. */
    async oldest(): Promise<string | null> {
      const [row] = await database.query<{ oldest: string | null }>(
        'SELECT MIN(changed_at) AS oldest FROM entity_changes',
      )
      return row?.oldest ?? null
    },
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
