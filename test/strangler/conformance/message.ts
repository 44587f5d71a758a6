import { createHash } from 'node:crypto'
import type { ByteReader } from './byte-reader.ts'

// One HTTP/1.1 message as it stands on the wire (RFC 9112). All text is latin1: each byte is one character.

/** Name and value as they were written, in their order. */
export type Header = [name: string, value: string]
export type Framing = 'none' | 'length' | 'chunked' | 'close'
export type Head = { startLine: string; headers: Header[] }
/** `isWhole` false: the connection ended first. */
export type Body = { bytes: number; sha256: string; start: string; isWhole: boolean; trailers: string[] }

const SHOWN_BYTES = 40
const MAX_CHUNKS = 100_000

export function headFrom(bytes: Buffer): Head {
  const [startLine = '', ...lines] = bytes
    .toString('latin1')
    .replace(/\r\n\r\n$/, '')
    .split('\r\n')
  return { startLine, headers: lines.map(headerFrom) }
}

function headerFrom(line: string): Header {
  const colon = line.indexOf(':')
  return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
}

/** All values of a header, `name` in lower case. */
export function valuesOf(headers: readonly Header[], name: string): string[] {
  return headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
}

export function tokensOf(headers: readonly Header[], name: string): string[] {
  return valuesOf(headers, name).flatMap((value) => value.split(',').map((token) => token.trim().toLowerCase()))
}

/** RFC 9112, section 6.3; `isBodiless`: the answer to a HEAD, or one that never has a body. */
export function framingOf(headers: readonly Header[], what: 'request' | 'answer', isBodiless = false): Framing {
  if (isBodiless) return 'none'
  if (tokensOf(headers, 'transfer-encoding').includes('chunked')) return 'chunked'
  if (valuesOf(headers, 'content-length').length > 0) return 'length'
  return what === 'request' ? 'none' : 'close'
}

export async function readBody(reader: ByteReader, headers: readonly Header[], framing: Framing): Promise<Body> {
  switch (framing) {
    case 'none':
      return digested([], true)
    case 'close':
      return digested([await reader.rest()], true)
    case 'length': {
      const length = Number(valuesOf(headers, 'content-length')[0])
      const body = await reader.take(length)
      return digested([body], body.length === length)
    }
    case 'chunked':
      return readChunks(reader)
  }
}

async function readChunks(reader: ByteReader): Promise<Body> {
  const chunks: Buffer[] = []
  while (chunks.length < MAX_CHUNKS) {
    const size = Number.parseInt((await reader.line())?.toString('latin1') ?? '', 16)
    if (!Number.isSafeInteger(size)) return digested(chunks, false)
    if (size === 0) break
    const chunk = await reader.take(size)
    chunks.push(chunk)
    if (chunk.length < size || (await reader.line())?.length !== 2) return digested(chunks, false)
  }
  const trailers: string[] = []
  for (;;) {
    const line = await reader.line()
    if (line === null) return digested(chunks, false)
    if (line.length === 2) return { ...digested(chunks, true), trailers }
    trailers.push(line.toString('latin1').trimEnd())
  }
}

/** A body by what tells it from others: large ones are not kept. */
export function digested(pieces: readonly Buffer[], isWhole: boolean): Body {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const start = Buffer.concat(pieces.map((piece) => piece.subarray(0, SHOWN_BYTES)))
  return {
    bytes,
    sha256: hash.digest('hex'),
    start: start.toString('latin1', 0, SHOWN_BYTES),
    isWhole,
    trailers: [],
  }
}

/** Bytes cut into chunks of these sizes, again from the first when they are used up; ended, with trailers or without. */
export function chunked(
  body: Buffer,
  sizes: readonly number[],
  extension = '',
  trailers: readonly string[] = [],
): Buffer {
  const out: Buffer[] = []
  for (let at = 0, i = 0; at < body.length; i += 1) {
    const piece = body.subarray(at, at + Math.max(1, sizes[i % sizes.length] ?? body.length))
    // Upper case on every second one: both are allowed.
    const size = piece.length.toString(16)
    out.push(Buffer.from(`${i % 2 ? size.toUpperCase() : size}${extension}\r\n`, 'latin1'), piece, Buffer.from('\r\n'))
    at += piece.length
  }
  out.push(Buffer.from(`0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1'))
  return Buffer.concat(out)
}
