import type { Change, Database, Dialect, ParkedChange, Session } from '../../ports.ts'
import { type ChangeRow, changeOf } from './change-row.ts'
import { deleteChanges } from './changes.ts'
import { inList } from './in-list.ts'

/** The longest IN list, and what one transaction moves or drops at most. */
export const MAX_MOVED = 500
const MAX_ERROR_LENGTH = 255

type Row = ChangeRow & {
  error: string
  attempts: number
  parked_at: string
}
export type SqlParked = ReturnType<typeof sqlParked>
/** `claim`: the worker's that gives up. */
export type Parking = { claim: string; change: Change; error: string; attempts: number }

/** Changes that nobody could handle. They hold nothing up; people retry or drop them. */
export function sqlParked(database: Database) {
  const { dialect } = database
  return {
    /** Moves the change out of the outbox, with its claim. False: it was handled, or taken over, meanwhile. */
    park: ({ claim, change, error, attempts }: Parking): Promise<boolean> =>
      database.transaction(async (session) => {
        const id = change.changeId
        const held = await session.execute('DELETE FROM change_claims WHERE claim = ? AND change_id = ?', [claim, id])
        if (held === 0) return false
        if ((await session.execute('DELETE FROM entity_changes WHERE change_id = ?', [id])) === 0) return false
        await addParked(session, dialect, change, error, attempts)
        return true
      }),
    /** One that had left the outbox before, or is still in it. */
    parkAnew: ({ change, error, attempts }: Omit<Parking, 'claim'>): Promise<void> =>
      database.transaction(async (session) => {
        await deleteChanges(session, [change.changeId])
        await addParked(session, dialect, change, error, attempts)
      }),
    /** Those with ids above `afterId`, ascending: oldest first. */
    async list(afterId: number, limit: number): Promise<ParkedChange[]> {
      const rows = await database.query<Row>(
        `SELECT change_id, entity, entity_id, changed_at, error, attempts, parked_at FROM parked_changes
         WHERE change_id > ? ORDER BY change_id ${dialect.limit(limit)}`,
        [afterId],
      )
      return rows.map(parkedFrom)
    },
    async count(): Promise<number> {
      const [row] = await database.query<{ n: number }>('SELECT COUNT(*) AS n FROM parked_changes')
      return Number(row?.n ?? 0)
    },
    /**
     * Back into the outbox, at most MAX_MOVED. Answers how many there were. They are written anew, as of now: their old
     * time would say that everything since then may be missing from the read models.
     */
    retry: (changeIds: number[]): Promise<number> =>
      database.transaction(async (session) => {
        const { sql, params } = inList(changeIds)
        // Locks them: of two who retry the same at once, the second finds none.
        await session.execute(`UPDATE parked_changes SET attempts = attempts WHERE change_id IN ${sql}`, params)
        await session.execute(
          `INSERT INTO entity_changes (change_id, entity, entity_id, changed_at)
           SELECT change_id, entity, entity_id, ${dialect.utcNow} FROM parked_changes WHERE change_id IN ${sql}`,
          params,
        )
        return session.execute(`DELETE FROM parked_changes WHERE change_id IN ${sql}`, params)
      }),
    /** Deletes at most MAX_MOVED. Answers how many there were. */
    drop: async (changeIds: number[]): Promise<number> => {
      const { sql, params } = inList(changeIds)
      return database.execute(`DELETE FROM parked_changes WHERE change_id IN ${sql}`, params)
    },
  }
}

async function addParked(
  session: Session,
  dialect: Dialect,
  change: Change,
  error: string,
  attempts: number,
): Promise<void> {
  const { changeId, entity, entityId, changedAt } = change
  // A database that was restored may give a number twice.
  await session.execute('DELETE FROM parked_changes WHERE change_id = ?', [changeId])
  await session.execute(
    `INSERT INTO parked_changes (change_id, entity, entity_id, changed_at, error, attempts, parked_at)
     VALUES (?, ?, ?, ?, ?, ?, ${dialect.utcNow})`,
    [changeId, entity, entityId, changedAt, error.slice(0, MAX_ERROR_LENGTH), attempts],
  )
}

function parkedFrom(row: Row): ParkedChange {
  return {
    ...changeOf(row),
    error: row.error,
    attempts: row.attempts,
    parkedAt: row.parked_at,
  }
}
