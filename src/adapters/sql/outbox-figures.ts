import type { Database } from '../../ports.ts'
import { databaseNow, elapsedMs } from './database-time.ts'

/** How much waits in the database to be handled, published, or decided upon. `oldestMs` 0: nothing waits. */
export function outboxFigures(database: Database) {
  const { dialect } = database
  const count = async (sql: string): Promise<number> => {
    const [row] = await database.query<{ n: number }>(sql)
    return Number(row?.n ?? 0)
  }
  return async () => {
    const [oldest] = await database.query<{ changed_at: string }>(
      `SELECT changed_at FROM entity_changes ORDER BY changed_at ${dialect.limit(1)}`,
    )
    // After it: else the change could be younger than the clock says.
    const now = await databaseNow(database, dialect)
    const [changes, events, parked] = await Promise.all([
      count('SELECT COUNT(*) AS n FROM entity_changes'),
      count('SELECT COUNT(*) AS n FROM pending_events'),
      count('SELECT COUNT(*) AS n FROM parked_changes'),
    ])
    return { changes, events, parked, oldestMs: oldest === undefined ? 0 : elapsedMs(oldest.changed_at, now) }
  }
}
