import type { Change } from '../../ports.ts'

/** What a row of entity_changes, or of parked_changes, says of its change. */
export type ChangeRow = { change_id: number; entity: string; entity_id: string; changed_at: string }

export function changeOf(row: ChangeRow): Change {
  return {
    changeId: row.change_id,
    entity: row.entity === 'role' ? 'role' : 'user',
    entityId: row.entity_id,
    changedAt: row.changed_at,
  }
}
