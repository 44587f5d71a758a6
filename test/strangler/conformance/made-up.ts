import { type Dice, mulberry32 } from '../../../src/jobs/seed/random.ts'
import type { Header } from './message.ts'

const BLOCK_BYTES = 65_536
/** More than a body may have that we read ourselves: such ones pass, too. One each way; the others are of LARGE_BYTES. */
export const LARGER_THAN_OURS_BYTES = 16 * 1_048_576
/** More than is held on the way. */
export const LARGE_BYTES = 4 * 1_048_576

/** So many bytes of every value, always the same. */
export function bytesOf(bytes: number): Buffer {
  const random = mulberry32(8)
  const block = Buffer.from(Array.from({ length: Math.min(bytes, BLOCK_BYTES) }, () => random() * 256))
  // Each block has its number in it, so that two which change places are found out.
  const blocks = Array.from({ length: Math.ceil(bytes / BLOCK_BYTES) }, (_, i) => {
    const one = Buffer.from(block)
    if (i > 0) one.writeUInt32BE(i)
    return one
  })
  return Buffer.concat(blocks).subarray(0, bytes)
}

export function repeated(text: string, length: number): string {
  return text.repeat(Math.ceil(length / text.length)).slice(0, length)
}

const NAME = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~'
const MAX_HEADERS = 12
const MAX_NAME = 20
const MAX_VALUE = 60

/** Names of any case, some more than once, with values of any bytes that a value may have. */
export function randomHeaders(dice: Dice, prefix: string): Header[] {
  const headers: Header[] = []
  const count = 1 + dice.below(MAX_HEADERS)
  while (headers.length < count) {
    const name = prefix + text(1 + dice.below(MAX_NAME), () => dice.pick([...NAME]))
    const again = headers.length > 0 && dice.chance(0.3) ? dice.pick(headers)[0] : name
    const value = text(dice.below(MAX_VALUE), () => String.fromCharCode(anyByte(dice)))
    headers.push([dice.chance(0.2) ? again.toUpperCase() : again, value.trim()])
  }
  return headers
}

/** RFC 9110, 5.5: visible characters, blanks, tabs and bytes from 0x80 on. */
function anyByte(dice: Dice): number {
  if (dice.chance(0.1)) return dice.pick([0x20, 0x09])
  return dice.chance(0.2) ? 0x80 + dice.below(0x80) : 0x21 + dice.below(0x5e)
}

function text(length: number, character: () => string): string {
  return Array.from({ length }, character).join('')
}
