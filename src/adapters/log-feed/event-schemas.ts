import { z } from 'zod'
import type { DomainEvent } from '../../domain/events.ts'
import { type Details, MAX_USER_ID } from '../../domain/user.ts'

/** What says something of a person, and is published only where a setting names it. */
export const DETAIL_FIELDS = [
  'username',
  'employeeNumber',
  'givenName',
  'familyName',
  'email',
  'phone',
  'jobTitle',
] as const satisfies (keyof Details)[]
/** `preferences`: their values. */
export const PERSONAL_FIELDS = [...DETAIL_FIELDS, 'preferences'] as const

export const SOURCE_PREFIX = 'urn:users-service:'
export const SEQUENCE_DIGITS = 16
export type EventType = DomainEvent['type']

const Name = z.string().min(1)
const Text = z.string()
const Rfc3339 = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ format: 'date-time', description: 'RFC 3339, UTC, to the millisecond.' })
const UserId = z.int().min(1).max(MAX_USER_ID)
const Branch = Name.meta({ description: 'A branch’s id.' })
const Where = Branch.nullable().meta({ description: 'At this branch; null: everywhere.' })

const AT = { at: Rfc3339.meta({ description: 'When it happened.' }) }
const USER = { userId: UserId, ...AT }
const ofUser = <Shape extends z.ZodRawShape>(shape: Shape) => z.object({ ...USER, ...shape })
const plain = () => z.object(USER)

const detail = Text.nullable().optional()
const details = z
  .object({ ...fields(), username: Text.optional(), givenName: Text.optional(), familyName: Text.optional() })
  .meta({ description: 'Those that the site has allowed to be published; often none.' })
const changed = z
  .array(z.enum(DETAIL_FIELDS))
  .meta({ description: 'The names of all that were given, published or not. Ask the service for the values.' })

function fields() {
  return { employeeNumber: detail, email: detail, phone: detail, jobTitle: detail }
}

const Permission = z.object({ permission: Name, effect: z.enum(['allow', 'approve']) })
const Role = z.object({ role: Name, title: Text, privileged: z.boolean(), permissions: z.array(Permission) })

/**
 * What is published of each event: the event without its type. A field may be added under the same version; whatever else
 * changes takes the next one.
 */
export const EVENT_DATA = {
  'user-registered': { version: 1, data: ofUser({ homeBranchId: Branch.nullable(), changed, details }) },
  'details-changed': { version: 1, data: ofUser({ changed, changes: details }) },
  'user-suspended': { version: 1, data: plain() },
  'user-reinstated': { version: 1, data: plain() },
  'user-terminated': { version: 1, data: plain() },
  'branch-assigned': { version: 1, data: ofUser({ branchId: Branch }) },
  'branch-unassigned': { version: 1, data: ofUser({ branchId: Branch }) },
  'home-branch-changed': { version: 1, data: ofUser({ branchId: Branch }) },
  'role-granted': { version: 1, data: ofUser({ role: Name, branchId: Where }) },
  'role-revoked': { version: 1, data: ofUser({ role: Name, branchId: Where }) },
  'limit-set': { version: 1, data: ofUser({ limit: Name, value: z.int() }) },
  'limit-removed': { version: 1, data: ofUser({ limit: Name }) },
  'preference-set': { version: 1, data: ofUser({ key: Name, value: Text.optional() }) },
  'preference-removed': { version: 1, data: ofUser({ key: Name }) },
  'role-defined': { version: 1, data: z.object({ role: Role, ...AT }) },
  'role-removed': { version: 1, data: z.object({ role: Name, ...AT }) },
} as const satisfies Record<EventType, { version: number; data: z.ZodObject }>

export const EVENT_TYPES = Object.keys(EVENT_DATA) as EventType[]
export const typeName = (type: EventType): string => `users-service.${type}.v${EVENT_DATA[type].version}`
export const dataSchemaName = (type: EventType): string => `${SOURCE_PREFIX}schema:${type}:v${EVENT_DATA[type].version}`

/** CloudEvents 1.0, JSON format, with its extensions `partitionkey` and `sequence`. `data` and `type` are each event's. */
export const CloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: Name.meta({ description: 'The same each time that the event is delivered: drop what you have seen.' }),
  source: z
    .string()
    .regex(/^urn:users-service:/)
    .meta({ description: 'The service, and the epoch of its database.' }),
  type: Name,
  subject: z.string().regex(/^(users|roles)\//),
  time: Rfc3339,
  datacontenttype: z.literal('application/json'),
  dataschema: Name,
  partitionkey: Name.meta({ description: 'The message’s key: what happens to one user, or one role, stays in order.' }),
  sequence: z
    .string()
    .regex(new RegExp(`^[0-9]{${SEQUENCE_DIGITS}}$`))
    .meta({ description: 'Rises, with gaps, for one key; compare it as text.' }),
})
