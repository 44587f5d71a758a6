import type { Decoded } from './messages.ts'
import { ChangeFields, InsertedRow } from './schemas.ts'

type Json = Record<string, unknown>
const NOTHING: Decoded = { kind: 'nothing' }
const TABLE = 'entity_changes'
/** Created, or read by a snapshot: the row is there. */
const WITH_ROW = ['c', 'r']
/** Updated, deleted, truncated: no change of anybody, only of the outbox. */
const WITHOUT_ROW = ['u', 'd', 't']
const TIMES = ['ts_ms', 'ts_us', 'ts_ns']

/**
 * What Debezium's connector for Informix makes of a change of the outbox: `{before, after, source, op, ts_ms, ts_us, ts_ns,
 * transaction}`, bare or as the `payload` of `{schema, payload}`; and its heartbeats and transactions' bounds.
 * https://debezium.io/documentation/reference/stable/connectors/informix.html#informix-events
 */
export function decodeDebezium(json: Json): Decoded {
  const payload = Object.hasOwn(json, 'schema') && Object.hasOwn(json, 'payload') ? json.payload : json
  if (payload === null) return NOTHING
  if (!isObject(payload)) return unknown('a payload that is no object')
  const { op } = payload
  if (op === undefined) {
    return isHeartbeat(payload) || isTransactionBound(payload)
      ? NOTHING
      : unknown('neither a message of the relay nor one of Debezium')
  }
  if (typeof op !== 'string') return unknown('an op that is no text')
  if (WITHOUT_ROW.includes(op)) return NOTHING
  return WITH_ROW.includes(op) ? decodeRow(payload) : unknown('an op that is not known')
}

function decodeRow({ after, source }: Json): Decoded {
  // parked_changes has the same columns.
  const table = isObject(source) ? source.table : undefined
  if (typeof table === 'string' && table.toLowerCase() !== TABLE) return unknown('a row of another table')
  const row = InsertedRow.safeParse(after)
  if (!row.success) return unknown(faultInRow(row.error.issues[0]?.path[0]))
  const { change_id: changeId, entity, entity_id: entityId, changed_at: changedAt } = row.data
  const fields = ChangeFields.safeParse({ entity, entityId, changeId, changedAt })
  if (!fields.success) return unknown(faultInRow(COLUMNS[String(fields.error.issues[0]?.path[0])]))
  return { kind: 'change', change: { changeId, entity: fields.data.entity, entityId, changedAt }, rowRemains: true }
}
const COLUMNS: Record<string, string> = { entity: 'entity', entityId: 'entity_id', changedAt: 'changed_at' }

/** The column's name is the schema's, never the message's. */
function faultInRow(column: PropertyKey | undefined): string {
  return column === undefined ? 'no inserted row in after' : `a row whose ${String(column)} is missing or wrong`
}

function isHeartbeat(payload: Json): boolean {
  const names = Object.keys(payload)
  return names.includes('ts_ms') && names.every((name) => TIMES.includes(name))
}

function isTransactionBound({ status, id }: Json): boolean {
  return (status === 'BEGIN' || status === 'END') && typeof id === 'string'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknown(reason: string): Decoded {
  return { kind: 'unknown', reason }
}
