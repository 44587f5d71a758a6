import { createHash } from 'node:crypto'
import type { LogRecord, OutgoingMessage } from '../../ports/message-log.ts'
import { MAX_VALUE_BYTES } from './messages.ts'

const MAX_REASON_LENGTH = 200
const MAX_KEY_BYTES = 1_024
const MAX_HEADERS_BYTES = 8_192

export type Parking = { topic: string; partition: number; reason: string; at?: Date }

/**
 * For the topic of what nobody here understands: as it was, and where it came from. What is too long is cut, so that every
 * broker takes it; its size and digest then say what it was. `at` is the process's own time, for people only.
 */
export function parkedMessage(
  { key, value, headers, offset }: LogRecord,
  { topic, partition, reason, at = new Date() }: Parking,
): OutgoingMessage {
  // A tombstone says nothing, and is never parked.
  const whole = value ?? Buffer.alloc(0)
  const isCut = whole.length > MAX_VALUE_BYTES
  const cut = { 'parked-value-bytes': String(whole.length), 'parked-value-sha256': digestOf(whole) }
  const { text, ...aboutKey } = keyOf(key)
  return {
    key: text,
    value: whole.subarray(0, MAX_VALUE_BYTES),
    headers: {
      ...(lengthOf(headers) > MAX_HEADERS_BYTES ? { 'parked-headers': 'too long' } : headers),
      ...aboutKey,
      ...(isCut ? cut : {}),
      'parked-reason': reason.slice(0, MAX_REASON_LENGTH),
      'parked-from-topic': topic,
      'parked-from-partition': String(partition),
      'parked-from-offset': String(offset),
      'parked-at': at.toISOString(),
    },
  }
}

/** A key that is no text does not survive as one, and one that is too long is none. */
function keyOf(key: Buffer | null): { text: string | null } & Record<string, string | null> {
  if (key === null) return { text: null }
  const short = key.subarray(0, MAX_KEY_BYTES)
  const text = short.toString('utf8')
  const isWhole = short.length === key.length && Buffer.from(text, 'utf8').equals(key)
  return isWhole ? { text } : { text: null, 'parked-key-base64': short.toString('base64') }
}

const digestOf = (value: Buffer): string => createHash('sha256').update(value).digest('hex')
const lengthOf = (headers: Record<string, string>): number =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
