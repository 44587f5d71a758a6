import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyBodyParser, type FastifyInstance, type FastifyRequest } from 'fastify'
import type { RefusalObserver } from '../ports/refusals.ts'
import { pointerTo, Refusal } from '../wire/problem.ts'
import { isTooDeep, MAX_JSON_DEPTH } from './json-depth.ts'

/** A body that says null, which is not the same as none: Fastify shows validators null for both. */
export const JSON_NULL = Symbol('null')

/**
 * JSON and nothing else; a merge patch (RFC 7396) is JSON too, and is taken where there is something to patch. JSON is
 * UTF-8 (RFC 8259 section 8.1): other bytes are refused, because decoding them leniently would store U+FFFD for a name.
 * An empty body is none, whatever type was announced: many clients announce one with every request.
 */
export function takeJsonOnly(app: FastifyInstance, { refused }: Pick<RefusalObserver, 'refused'>): void {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  // It looks for __proto__ itself, and then says no more than that the body is no JSON.
  const parseText = app.getDefaultJsonParser('ignore', 'ignore')
  const parseJson: FastifyBodyParser<Buffer> = (request, body, done) => {
    const refusal = unreadable(request)
    if (refusal) return done(refusal)
    if (body.length === 0) return done(null, undefined)
    if (!isUtf8(body)) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY())
    if (isTooDeep(body)) {
      refused('body-too-deep')
      return done(TOO_DEEP)
    }
    const text = body.toString()
    return parseText(request, text, (error, value) => {
      const poison = error ? null : poisonIn(text, value)
      if (poison !== null) done(refusedField(poison))
      else done(error, value === null ? JSON_NULL : value)
    })
  }
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, parseJson)
  app.addContentTypeParser<Buffer>('application/merge-patch+json', { parseAs: 'buffer' }, (request, body, done) =>
    request.method === 'PATCH' ? parseJson(request, body, done) : done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()),
  )
  app.addContentTypeParser('*', refuseFirstByte)
}

type ParsedOrNot = (error: Error | null, body?: undefined) => void

/** Of another type, or of none. Whoever sends chunks does not know before their end that there is nothing to send. */
function refuseFirstByte(request: FastifyRequest, body: IncomingMessage, done: ParsedOrNot): void {
  const end = (error: Error | null) => {
    body.off('data', onByte).off('end', onEnd).off('error', end)
    done(error, undefined)
  }
  const onByte = () => end(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE())
  const onEnd = () => end(null)
  if (request.is404) onEnd()
  else if (Number(request.headers['content-length'] ?? 0) > 0) onByte()
  else body.on('data', onByte).on('end', onEnd).on('error', end)
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i

/** What says of itself that it is something else than plain UTF-8 must not be taken for it. */
function unreadable({ headers }: FastifyRequest): Refusal | null {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    return new Refusal(415, 'unsupported-media-type', 'JSON is taken in UTF-8 only; see charset in Content-Type.', [
      { in: 'header', pointer: '/content-type', detail: 'names another charset than utf-8' },
    ])
  }
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') {
    return new Refusal(415, 'unsupported-media-type', 'Bodies are taken without Content-Encoding only.', [
      { in: 'header', pointer: '/content-encoding', detail: 'names a coding that is not taken here' },
    ])
  }
  return null
}

/** Names by which a value reaches what all objects share, once somebody copies it into another, name by name. */
const POISONS = ['__proto__', 'constructor', 'prototype']
/** They may be written with escapes. */
const MAY_HOLD_POISON = /__proto__|constructor|prototype|\\u/

/** Deeper than anything that is taken: below it the pointer names the way down to here only. */
const MAX_POINTER_DEPTH = 8

/** The JSON Pointer of such a field, which no schema allows, and of which validators pass over the first; null without one. */
function poisonIn(text: string, value: unknown): string | null {
  if (!MAY_HOLD_POISON.test(text)) return null
  const waiting: [value: unknown, path: string[]][] = [[value, []]]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [held, path] = next
    if (typeof held !== 'object' || held === null) continue
    const poison = POISONS.find((name) => Object.hasOwn(held, name))
    if (poison !== undefined) return pointerTo([...path, poison])
    for (const [name, inner] of Object.entries(held)) {
      waiting.push([inner, path.length < MAX_POINTER_DEPTH ? [...path, name] : path])
    }
  }
  return null
}

const TOO_DEEP = new Refusal(400, 'invalid-request', 'The request is at fault; see errors.', [
  { in: 'body', pointer: '', detail: `nests deeper than ${MAX_JSON_DEPTH} levels` },
])

function refusedField(pointer: string): Refusal {
  return new Refusal(400, 'invalid-request', 'The request is at fault; see errors.', [
    { in: 'body', pointer, detail: 'is not known here' },
  ])
}
