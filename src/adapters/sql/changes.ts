import type { Change, Database } from '../../ports.ts'
import { inList } from './in-list.ts'

type ChangeRow = { change_id: number; entity: string; entity_id: string; changed_at: string }

/** The outbox. Rows are taken by what is there, never by "greater than the last id": ids commit out of order. */
export function sqlChanges(database: Database) {
  return {
    pending: async (limit: number): Promise<Change[]> => {
      const rows = await database.query<ChangeRow>(
        `SELECT change_id, entity, entity_id, changed_at FROM entity_changes ORDER BY change_id ${database.dialect.limit(limit)}`,
      )
      return rows.map((row) => ({
        changeId: row.change_id,
        entity: row.entity === 'role' ? 'role' : 'user',
        entityId: row.entity_id,
        changedAt: row.changed_at,
      }))
    },
    /** At most 500 ids. */
    forget: async (changeIds: number[]): Promise<void> => {
      const ids = inList(changeIds)
      await database.execute(`DELETE FROM entity_changes WHERE change_id IN ${ids.sql}`, ids.params)
    },
  }
}
export type SqlChanges = ReturnType<typeof sqlChanges>
