import type { DomainEvent } from '../../domain/events.ts'
import type { Actor, Dialect, Session } from '../../ports.ts'

/** One audit row an event, in the command's own transaction; the time is the database's. */
export async function writeAudit(
  session: Session,
  dialect: Dialect,
  entity: AuditedEntity,
  events: DomainEvent[],
  by: Actor,
) {
  for (const event of events) {
    await session.execute(
      `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ${dialect.utcNow})`,
      [entity.name, entity.id, event.type, JSON.stringify(event), by.name, by.requestId, by.address],
    )
  }
}
export type AuditedEntity = { name: 'user' | 'role'; id: string }
