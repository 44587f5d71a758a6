import type { DomainEvent } from '../../domain/events.ts'
import { changesFrom, type FieldChange } from '../../domain/field-changes.ts'
import type { AuditedChange, AuditTrail } from '../../ports/audit-trail.ts'
import type { Database, SqlRow } from '../../ports.ts'
import { ERASED_EVENT } from './audit-check.ts'
import { fromSqlTime, UNREADABLE_TIME } from './time.ts'

type Row = SqlRow & {
  audit_id: number
  event_type: string
  event: string
  actor: string
  request_id: string
  address: string
  recorded_at: string
  seq: number | null
  client: string | null
  before_json: string | null
}

/** What was done to users, out of the audit itself. */
export function sqlAuditTrail(database: Database): AuditTrail {
  return {
    async history(userId, after, limit) {
      // One more than is asked for: it says whether there are more.
      const rows = await readRows(database, userId, after, limit + 1)
      if (rows.length === 0 && after === null && !(await isThere(database, userId))) return null
      const shown = rows.slice(0, limit)
      const next = rows.length > limit ? (shown.at(-1)?.audit_id ?? null) : null
      return { entries: shown.map(entryFrom), next }
    },
  }
}

/** By the entries' own keys, which for one user ascend as places in the chain do: those without a place are shown, too. */
async function readRows(database: Database, userId: number, after: number | null, limit: number) {
  return database.query<Row>(
    `SELECT a.audit_id, a.event_type, a.event, a.actor, a.request_id, a.address, a.recorded_at,
       c.seq, c.client, c.before_json
     FROM user_audit a LEFT OUTER JOIN audit_chain c ON c.audit_id = a.audit_id
     WHERE a.entity = 'user' AND a.entity_id = ?${after === null ? '' : ' AND a.audit_id < ?'}
     ORDER BY a.audit_id DESC ${database.dialect.limit(limit)}`,
    [String(userId), ...(after === null ? [] : [after])],
  )
}

async function isThere(database: Database, userId: number): Promise<boolean> {
  return (await database.query('SELECT user_id FROM users WHERE user_id = ?', [userId])).length > 0
}

function entryFrom(row: Row): AuditedChange {
  return {
    seq: row.seq === null ? null : Number(row.seq),
    at: fromSqlTime(row.recorded_at) ?? UNREADABLE_TIME,
    type: row.event_type,
    subject: row.actor,
    client: row.client,
    requestId: row.request_id,
    address: row.address,
    changes: row.event === ERASED_EVENT ? null : changesIn(row),
  }
}

/** Null: what it says cannot be read. Such an entry is shown all the same: who it was, and when, still stands there. */
function changesIn({ event, before_json: before }: Row): FieldChange[] | null {
  try {
    return changesFrom(JSON.parse(event) as DomainEvent, before === null ? {} : JSON.parse(before))
  } catch {
    return null
  }
}
