import { z } from 'zod'
import { isUserId, MAX_USER_ID } from '../../domain/user.ts'

/** Of the messages on the topic of changes. One that must be read in another way gets the next number. */
export const FORMAT_VERSION = 1

const NUMBER = /^[1-9][0-9]{0,15}$/
const ID_LENGTH = 20
const STREAM_LENGTH = 64

const DatabaseTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
  .meta({ description: 'By the database’s clock, UTC, to the millisecond.' })
const Count = z.int().min(0).max(MAX_USER_ID)
const ChangeId = z.int().min(1).max(MAX_USER_ID).meta({ description: 'The number of the row in the outbox.' })
const UserId = z
  .string()
  .regex(NUMBER)
  .refine((text) => isUserId(Number(text)))
  .meta({ description: 'The user’s number, 1 to 2^53 - 1.' })

const WHAT = { changeId: ChangeId, changedAt: DatabaseTime }
const OfUser = z.object({ entity: z.literal('user'), entityId: UserId, ...WHAT })
const OfRoles = z.object({
  entity: z.literal('role'),
  entityId: z.string().min(1).max(ID_LENGTH).meta({ description: '`*`: the catalogue of roles is one entity.' }),
  ...WHAT,
})
const VERSION = { v: z.literal(FORMAT_VERSION).meta({ description: 'The version of the format.' }) }
const CHANGE = { ...VERSION, kind: z.literal('change') }

/** What a change says, whoever tells it. */
export const ChangeFields = z.discriminatedUnion('entity', [OfUser, OfRoles])

export const ChangeMessage = z.discriminatedUnion('entity', [OfUser.extend(CHANGE), OfRoles.extend(CHANGE)]).meta({
  title: 'A change',
  description: 'Something of this user, or of the roles, has changed. Not what it is now: ask for that.',
})

export const MarkMessage = z
  .object({
    ...VERSION,
    kind: z.literal('mark'),
    mark: DatabaseTime,
    stream: z.string().min(1).max(STREAM_LENGTH).meta({ description: 'Names the topic’s present life.' }),
    token: Count.meta({ description: 'Rises with each relay that takes over.' }),
    at: Count.meta({
      description: 'The offset that this message was to get, or a lower one: it stands there or later.',
    }),
  })
  .meta({
    title: 'A mark',
    description: 'Every change that was visible before `mark` had been appended to the topic before this message.',
  })

/** A row of entity_changes in Debezium's envelope. Numbers of 64 bits come as text from some converters. */
export const InsertedRow = z.object({
  change_id: z.union([ChangeId, z.string().regex(NUMBER).transform(Number).pipe(ChangeId)]),
  entity: unpadded(),
  entity_id: unpadded(),
  changed_at: unpadded(),
})

const Row = z.object({
  change_id: z.union([ChangeId, z.string().regex(NUMBER)]).meta({ description: 'Text, from some converters.' }),
  entity: z
    .string()
    .regex(/^(?:user|role) *$/)
    .meta({ description: 'A CHAR column is padded with blanks.' }),
  entity_id: z.string().min(1).max(STREAM_LENGTH),
  changed_at: z
    .string()
    .max(STREAM_LENGTH)
    .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} *$/)
    .meta({ description: 'By the database’s clock, UTC, to the millisecond, and perhaps blanks.' }),
})
const Envelope = z.object({
  before: z.null().optional(),
  after: Row,
  source: z.looseObject({ table: z.literal('entity_changes') }).optional(),
  op: z.enum(['c', 'r']).meta({ description: 'Inserted, or found by a snapshot. Pass over all others.' }),
  ts_ms: z.int().nullable().optional(),
})

/** For those who read what Debezium writes: as the service reads it, in words of JSON Schema (debezium.ts). */
export const DebeziumMessage = z
  .union([Envelope, z.object({ schema: z.looseObject({ type: z.literal('struct') }), payload: Envelope })])
  .meta({
    title: 'A change, as Debezium writes it',
    description: 'The envelope of an inserted row of entity_changes, bare or with its schema around it.',
  })

/** A CHAR column is padded with blanks. */
function unpadded() {
  return z
    .string()
    .max(STREAM_LENGTH)
    .transform((text) => text.replace(/ +$/, ''))
}
