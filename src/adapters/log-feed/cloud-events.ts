import type { DomainEvent } from '../../domain/events.ts'
import type { OutgoingMessage } from '../../ports/message-log.ts'
import type { AuditedEvent } from '../sql/pending-events.ts'
import {
  DETAIL_FIELDS,
  dataSchemaName,
  EVENT_DATA,
  type EventType,
  SEQUENCE_DIGITS,
  SOURCE_PREFIX,
  typeName,
} from './event-schemas.ts'

/** `epoch`: the database's. `personalFields`: which of PERSONAL_FIELDS may be published. */
export type EventOptions = { epoch: string; personalFields: readonly string[] }

const CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8'

/**
 * An entry of the audit as CloudEvents 1.0, in the structured mode of its Kafka binding
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md). Who did it, from where,
 * and in which request stays in the audit. Null: an event that this version of the service does not know.
 */
export function toCloudEvent(audited: AuditedEvent, { epoch, personalFields }: EventOptions): OutgoingMessage | null {
  const event = audited.event as DomainEvent | null
  if (!event || !Object.hasOwn(PUBLISHED, event.type)) return null
  const { type } = event
  // Only what the schema names gets through: an old entry may hold more.
  const { success, data } = EVENT_DATA[type].data.safeParse(publish(event, new Set(personalFields)))
  if (!success) return null
  const { entity, entityId, auditId } = audited
  const key = entity === 'user' ? entityId : `role:${entityId}`
  const value = {
    specversion: '1.0',
    id: `${epoch}-${auditId}`,
    source: `${SOURCE_PREFIX}${epoch}`,
    type: typeName(type),
    subject: `${entity === 'user' ? 'users' : 'roles'}/${entityId}`,
    time: data.at,
    datacontenttype: 'application/json',
    dataschema: dataSchemaName(type),
    partitionkey: key,
    sequence: String(auditId).padStart(SEQUENCE_DIGITS, '0'),
    data,
  }
  return { key, value: JSON.stringify(value), headers: { 'content-type': CONTENT_TYPE } }
}

type Allowed = ReadonlySet<string>
type Of<Type extends EventType> = Extract<DomainEvent, { type: Type }>
type Table = { [Type in EventType]: (event: Of<Type>, allowed: Allowed) => object }

const asItIs = (event: object): object => event

/** A new type of event does not compile before somebody has said what of it may be published. */
const PUBLISHED = {
  'user-registered': (event, allowed) => {
    const { names, shown } = pick(event.details, allowed, (value) => value !== null)
    return { ...event, changed: names, details: shown }
  },
  'details-changed': (event, allowed) => {
    const { names, shown } = pick(event.changes, allowed, () => true)
    return { ...event, changed: names, changes: shown }
  },
  'user-suspended': asItIs,
  'user-reinstated': asItIs,
  'user-terminated': asItIs,
  'branch-assigned': asItIs,
  'branch-unassigned': asItIs,
  'home-branch-changed': asItIs,
  'role-granted': asItIs,
  'role-revoked': asItIs,
  'limit-set': asItIs,
  'limit-removed': asItIs,
  'preference-set': ({ value, ...event }, allowed) => (allowed.has('preferences') ? { ...event, value } : event),
  'preference-removed': asItIs,
  'role-defined': asItIs,
  'role-removed': asItIs,
} as const satisfies Table

function publish(event: DomainEvent, allowed: Allowed): object {
  // The table's type says that each goes with its own event; the compiler does not follow that through an index.
  const published = PUBLISHED[event.type] as (event: DomainEvent, allowed: Allowed) => object
  return published(event, allowed)
}

/** `names` of all that have a value that counts; `shown`: of these, what is allowed. Copes with what is no object. */
function pick(given: object | undefined, allowed: Allowed, counts: (value: unknown) => boolean) {
  const values = new Map(Object.entries(given ?? {}))
  const names = DETAIL_FIELDS.filter((name) => values.has(name) && counts(values.get(name)))
  const shown = Object.fromEntries(names.filter((name) => allowed.has(name)).map((name) => [name, values.get(name)]))
  return { names, shown }
}
