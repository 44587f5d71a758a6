import type { Database, Session } from '../../ports.ts'
import { inList } from './in-list.ts'

/** The longest IN list, and what one call reads or forgets at most. */
export const MAX_PENDING_READ = 500
/** Each of them forgets up to MAX_PENDING_READ rows: that many audit entries are never deleted under our feet. */
const MAX_LOOKS = 20

/** An entry of the audit that is to be published. `event`: as it was written; null when that is no JSON. */
export type AuditedEvent = { auditId: number; entity: 'user' | 'role'; entityId: string; event: unknown }
/** Runs first in the transaction that forgets, and may reject it: whoever has lost the lease forgets nothing. */
export type Fence = (session: Session) => Promise<void>

type Row = { audit_id: number; entity: string; entity_id: string; event: string }
export type PendingEvents = ReturnType<typeof pendingEvents>

/** What commands have left to be published, in their own transactions (`writeAudit`). */
export function pendingEvents(database: Database) {
  /** Two statements: one that joins could read the audit first, and would miss what is committed in between. */
  const look = async (limit: number, afterId: number): Promise<{ ids: number[]; rows: Row[] }> => {
    const pending = await database.query<{ audit_id: number }>(
      `SELECT audit_id FROM pending_events WHERE audit_id > ? ORDER BY audit_id ${database.dialect.limit(limit)}`,
      [afterId],
    )
    const ids = pending.map((row) => row.audit_id)
    if (ids.length === 0) return { ids, rows: [] }
    const { sql, params } = inList(ids)
    const rows = await database.query<Row>(
      `SELECT audit_id, entity, entity_id, event FROM user_audit WHERE audit_id IN ${sql} ORDER BY audit_id`,
      params,
    )
    return { ids, rows }
  }

  const forget = async (auditIds: number[], fence?: Fence): Promise<void> => {
    if (auditIds.length === 0) return
    const { sql, params } = inList(auditIds)
    await database.transaction(async (session) => {
      await fence?.(session)
      await session.execute(`DELETE FROM pending_events WHERE audit_id IN ${sql}`, params)
    })
  }

  return {
    /**
     * Those with ids above `afterId`, ascending, which for one entity is the order of its commits; at most `limit`, which
     * is at most MAX_PENDING_READ.
     * None only when there are none. Whose audit entry has been deleted is forgotten here.
     */
    async next(limit: number, afterId = 0): Promise<AuditedEvent[]> {
      if (!(limit >= 1 && limit <= MAX_PENDING_READ)) throw new RangeError(`${limit} events at once`)
      for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
        const { ids, rows } = await look(limit, afterId)
        const found = new Set(rows.map((row) => row.audit_id))
        await forget(ids.filter((id) => !found.has(id)))
        if (rows.length > 0 || ids.length === 0) return rows.map(eventFrom)
      }
      throw new Error('the audit is being deleted faster than it is read')
    },
    /** In one transaction, at most MAX_PENDING_READ. */
    forget,
    async count(): Promise<number> {
      const [row] = await database.query<{ n: number }>('SELECT COUNT(*) AS n FROM pending_events')
      return Number(row?.n ?? 0)
    },
  }
}

function eventFrom(row: Row): AuditedEvent {
  return {
    auditId: row.audit_id,
    entity: row.entity === 'role' ? 'role' : 'user',
    entityId: row.entity_id,
    event: parsed(row.event),
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
