import type { DomainEvent } from '../../domain/events.ts'
import { type Values, valuesBeforeEach } from '../../domain/field-changes.ts'
import type { Role } from '../../domain/role.ts'
import type { User } from '../../domain/user.ts'
import type { SwitchEvent, SwitchedEntity } from '../../ports/switches.ts'
import type { Actor, Dialect, Session } from '../../ports.ts'
import { writeEntries } from './audit-chain.ts'

export type AuditedEntity = { name: 'user' | 'role'; id: string }
/** `events`: whether what happens is to be published as well, as domain events for other teams. */
export type AuditOptions = { events: boolean }
export const NO_EVENTS: AuditOptions = { events: false }

export type AuditEntry = AuditOptions & {
  dialect: Dialect
  entity: AuditedEntity
  /** The user, or the role, as it was; null: it was not there. */
  before: User | Role | null
  happened: DomainEvent[]
  by: Actor
}
export type AuditRow = Pick<AuditEntry, 'dialect' | 'by'> & {
  entity: SwitchedEntity
  event: SwitchEvent
  /** What of it the event does not say. */
  before: Values
}

/**
 * One audit row an event, in the command's own transaction, each chained to the one before. Called when the events' own
 * rows are written: then the entity's row is locked, also one that is new, and nobody else adds an entry of the entity.
 */
export async function writeAudit(session: Session, entry: AuditEntry): Promise<void> {
  const { dialect, entity, before, happened, by, events } = entry
  const befores = valuesBeforeEach(before, happened)
  const entries = happened.map((event, index) => ({ event, before: befores[index] ?? {} }))
  const [firstId] = await writeEntries(session, { dialect, entity, by, entries })
  if (!events || firstId === undefined) return
  await session.execute(
    `INSERT INTO pending_events (audit_id)
     SELECT audit_id FROM user_audit WHERE entity = ? AND entity_id = ? AND audit_id >= ?`,
    [entity.name, entity.id, firstId],
  )
}

/** What is written here alone is published to nobody. */
export async function writeAuditRow(session: Session, { event, before, ...entry }: AuditRow): Promise<void> {
  await writeEntries(session, { ...entry, entries: [{ event, before }] })
}
