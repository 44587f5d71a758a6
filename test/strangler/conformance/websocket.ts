import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ByteReader } from './byte-reader.ts'

// As much of RFC 6455 as it takes to send frames back.

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const MASK = Buffer.from([1, 2, 3, 4])
const SHORT = 126
const MIDDLE = 65_536
const CLOSE = 8

/** What the server answers to the client's key. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64')
}

/** A client's frame, which is masked, or a server's, which is not. */
export function frameOf(first: number, payload: Buffer, mask: Buffer | null): Buffer {
  const { length } = payload
  const masked = mask === null ? 0 : 0x80
  const size = length < SHORT ? [masked | length] : length < MIDDLE ? [masked | SHORT] : [masked | (SHORT + 1)]
  const long = Buffer.alloc(length < SHORT ? 0 : length < MIDDLE ? 2 : 8)
  if (long.length === 2) long.writeUInt16BE(length)
  if (long.length === 8) long.writeBigUInt64BE(BigInt(length))
  return Buffer.concat([Buffer.from([first, ...size]), long, mask ?? Buffer.alloc(0), masks(payload, mask)])
}

/** What a client sends; `comesBack`: what it gets for it. */
export function framesOf(opcode: number, payload: Buffer, isLast = true): { bytes: Buffer; comesBack: number } {
  const first = (isLast ? 0x80 : 0) | opcode
  return { bytes: frameOf(first, payload, MASK), comesBack: frameOf(first, payload, null).length }
}

/** Sends each frame of a client back as a server would, until one closes. */
export async function echoFrames(socket: Socket, reader: ByteReader): Promise<void> {
  for (;;) {
    const [first = 0, second = 0] = await reader.take(2)
    const isMasked = (second & 0x80) !== 0
    const short = second & 0x7f
    const long = short < SHORT ? Buffer.alloc(0) : await reader.take(short === SHORT ? 2 : 8)
    const length = long.length === 0 ? short : long.length === 2 ? long.readUInt16BE() : Number(long.readBigUInt64BE())
    const mask = isMasked ? await reader.take(4) : null
    const payload = await reader.take(length)
    if (reader.isOver() && payload.length < length) return
    if (first === 0) return
    socket.write(frameOf(first, masks(payload, mask), null))
    if ((first & 0x0f) === CLOSE) return
  }
}

function masks(payload: Buffer, mask: Buffer | null): Buffer {
  if (mask === null) return payload
  const out = Buffer.from(payload)
  for (let i = 0; i < out.length; i += 1) out[i] = (out[i] ?? 0) ^ (mask[i % 4] ?? 0)
  return out
}
