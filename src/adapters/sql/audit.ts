import type { DomainEvent } from '../../domain/events.ts'
import type { SwitchEvent, SwitchedEntity } from '../../ports/switches.ts'
import type { Actor, Dialect, Session } from '../../ports.ts'

export type AuditedEntity = { name: 'user' | 'role'; id: string }
/** `events`: whether what happens is to be published as well, as domain events for other teams. */
export type AuditOptions = { events: boolean }
export const NO_EVENTS: AuditOptions = { events: false }

export type AuditEntry = AuditOptions & {
  dialect: Dialect
  entity: AuditedEntity
  happened: DomainEvent[]
  by: Actor
}
export type AuditRow = Pick<AuditEntry, 'dialect' | 'by'> &
  ({ entity: AuditedEntity; event: DomainEvent } | { entity: SwitchedEntity; event: SwitchEvent })

/**
 * One audit row an event, in the command's own transaction; the time is the database's. Called when the events' own
 * rows are written: then the entity's row is locked, also one that is new, and nobody else adds an entry of the entity.
 */
export async function writeAudit(session: Session, entry: AuditEntry): Promise<void> {
  const { dialect, entity, happened, by, events } = entry
  const lastBefore = events ? await lastAuditId(session, entity) : 0
  for (const event of happened) await writeAuditRow(session, { dialect, entity, event, by })
  if (!events) return
  // By what is new of this entity: how a database tells the key that it has just given differs from one to the next.
  await session.execute(
    `INSERT INTO pending_events (audit_id)
     SELECT audit_id FROM user_audit WHERE entity = ? AND entity_id = ? AND audit_id > ?`,
    [entity.name, entity.id, lastBefore],
  )
}

/** What is written here alone is published to nobody. */
export async function writeAuditRow(session: Session, { dialect, entity, event, by }: AuditRow): Promise<void> {
  await session.execute(
    `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ${dialect.utcNow})`,
    [entity.name, entity.id, event.type, JSON.stringify(event), by.name, by.requestId, by.address],
  )
}

async function lastAuditId(session: Session, { name, id }: AuditedEntity): Promise<number> {
  const [row] = await session.query<{ last_id: number | null }>(
    'SELECT MAX(audit_id) AS last_id FROM user_audit WHERE entity = ? AND entity_id = ?',
    [name, id],
  )
  return row?.last_id ?? 0
}
