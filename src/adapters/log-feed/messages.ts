import type { z } from 'zod'
import type { LogRecord, OutgoingMessage } from '../../ports/message-log.ts'
import type { Change } from '../../ports.ts'
import { decodeDebezium } from './debezium.ts'
import { ChangeMessage, FORMAT_VERSION, MarkMessage } from './schemas.ts'

/** Ours have a few hundred bytes; Debezium's, with their schema, a few thousand. */
export const MAX_VALUE_BYTES = 65_536

/** `at`: the offset that it was to get, or a lower one: where it stands before that, the topic is another than it was. */
export type Mark = { mark: string; stream: string; token: number; at: number }
/** `rowRemains`: the change's row is still in the outbox, and is to be deleted by whoever has handled the change. */
export type Decoded =
  | { kind: 'change'; change: Change; rowRemains: boolean }
  | ({ kind: 'mark' } & Mark)
  | { kind: 'nothing' }
  | { kind: 'unknown'; reason: string }

/** By the entity's id: what happens to one stays in order. */
export function encodeChange({ entity, entityId, changeId, changedAt }: Change): OutgoingMessage {
  const value = { v: FORMAT_VERSION, kind: 'change', entity, entityId, changeId, changedAt }
  return { key: entityId, value: JSON.stringify(value) }
}

/** For each partition: every change that was visible before `mark` has been appended, and stands before this. */
export function encodeMark({ mark, stream, token, at }: Mark, partition: number): OutgoingMessage {
  const value = { v: FORMAT_VERSION, kind: 'mark', mark, stream, token, at }
  return { key: null, value: JSON.stringify(value), partition }
}

/** Never throws. A reason names the fault, and quotes nothing of the message: it goes to logs. */
export function decode({ value }: Pick<LogRecord, 'value'>): Decoded {
  if (value === null) return { kind: 'nothing' }
  if (value.length > MAX_VALUE_BYTES) return unknown(`longer than ${MAX_VALUE_BYTES} bytes`)
  const json = parsed(value)
  if (json === undefined) return unknown('no JSON')
  // How older converters write a tombstone.
  if (json === null) return { kind: 'nothing' }
  if (typeof json !== 'object' || Array.isArray(json)) return unknown('no JSON object')
  return Object.hasOwn(json, 'v') ? decodeOwn(json as Json) : decodeDebezium(json as Json)
}
type Json = Record<string, unknown>

function decodeOwn(json: Json): Decoded {
  const { v, kind } = json
  if (v !== FORMAT_VERSION) {
    const isNewer = typeof v === 'number' && v > FORMAT_VERSION
    return unknown(isNewer ? 'of a newer version of the format' : 'v is no version of the format')
  }
  if (kind === 'change') {
    const { success, data, error } = ChangeMessage.safeParse(json)
    if (!success) return unknown(faultIn('a change', error))
    const { entity, entityId, changeId, changedAt } = data
    return { kind, change: { changeId, entity, entityId, changedAt }, rowRemains: false }
  }
  if (kind === 'mark') {
    const { success, data, error } = MarkMessage.safeParse(json)
    if (!success) return unknown(faultIn('a mark', error))
    const { mark, stream, token, at } = data
    return { kind, mark, stream, token, at }
  }
  return unknown('of no kind that is known')
}

function unknown(reason: string): Decoded {
  return { kind: 'unknown', reason }
}

/** The field's name is the schema's, never the message's. */
function faultIn(what: string, { issues }: z.ZodError): string {
  return `${what} whose ${String(issues[0]?.path[0] ?? 'shape')} is missing or wrong`
}

/** Undefined when it is no JSON in UTF-8. */
function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))
  } catch {
    return undefined
  }
}
