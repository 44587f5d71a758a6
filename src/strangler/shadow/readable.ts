import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { LegacyCopy } from '../../ports/strangler.ts'
import type { Comparable } from './compare.ts'
import { type ContentType, contentType, isJson } from './content-type.ts'

/** `reason`: why the answer cannot be compared; holds nothing of it. */
export type Readable = { comparable: Comparable; reason: null } | { comparable: null; reason: string }

/** Of a body without its content codings: a small body can be made of a very large one. */
export const MAX_DECODED_BYTES = 8 * 1024 * 1024
/** Nobody means more than one. */
const MAX_CODINGS = 3

type Decoder = (body: Buffer, options: { maxOutputLength: number }, done: Done) => void
type Done = (error: Error | null, decoded: Buffer) => void
// RFC 9110, section 8.4.1: "x-gzip" is the same as "gzip"; "deflate" is the zlib format.
const DECODERS = new Map<string, Decoder>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', inflate],
  ['br', brotliDecompress],
])
const UTF_8 = ['utf-8', 'utf8', 'us-ascii', 'ascii']

/** What an answer says, without its content codings. Never rejects. */
export async function readable({ status, headers, body }: LegacyCopy): Promise<Readable> {
  try {
    const type = contentType(textOf(headers['content-type']))
    const decoded = await withoutCodings(body, codingsOf(textOf(headers['content-encoding'])))
    return { comparable: { status, headers, body: meant(decoded, type) }, reason: null }
  } catch (error) {
    return { comparable: null, reason: error instanceof Unreadable ? error.message : 'cannot be decoded' }
  }
}

class Unreadable extends Error {}

function meant(body: Buffer, type: ContentType): unknown {
  if (type.charset !== null && !UTF_8.includes(type.charset)) throw new Unreadable('is not in UTF-8, by what it says')
  const text = textIn(body)
  if (!isJson(type) || text === '') return text
  try {
    return JSON.parse(text)
  } catch {
    throw new Unreadable('is no JSON, though it says so')
  }
}

function textIn(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new Unreadable('is not in UTF-8')
  }
}

async function withoutCodings(body: Buffer, codings: string[]): Promise<Buffer> {
  if (codings.length > MAX_CODINGS) throw new Unreadable('has too many content codings')
  if (body.length > MAX_DECODED_BYTES) throw new Unreadable('is too large')
  let decoded = body
  // The one that was applied last stands last.
  for (const coding of codings.toReversed()) {
    const decode = DECODERS.get(coding)
    if (decode === undefined) throw new Unreadable('has an unknown content coding')
    decoded = await inside(decode, decoded)
  }
  return decoded
}

function inside(decode: Decoder, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    decode(body, { maxOutputLength: MAX_DECODED_BYTES }, (error, decoded) => {
      if (error === null) resolve(decoded)
      else reject(new Unreadable(isTooLarge(error) ? 'is too large' : 'cannot be decoded', { cause: error }))
    })
  })
}

const isTooLarge = (error: Error): boolean => (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
const textOf = (value: string | string[] | undefined): string =>
  (Array.isArray(value) ? value.join() : (value ?? '')).toLowerCase()
const codingsOf = (text: string): string[] =>
  text
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
