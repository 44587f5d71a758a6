import { z } from 'zod'
import { noneMatch } from './etag.ts'
import { Version } from './fields.ts'
import { MIN_VERSION, withoutMinVersion } from './min-version.ts'
import { REQUEST_ID } from './problem.ts'
import { READ_FROM_NEAREST_FIRST } from './source.ts'

/** What a route sends, without the framework: `reply.code(status).headers(headers).send(body)`. */
export type Answer = { status: number; headers: Record<string, string>; body: Buffer | string | undefined }

export const JSON_TYPE = 'application/json; charset=utf-8'
/** Answers are personal and change at any time: a copy may be kept, but is asked about each time. */
export const CACHE_CONTROL = 'private, no-cache'

/** A read with an entity tag: 200 with the body, or 304 when the caller has it. */
export function readAnswer(
  tag: string,
  ifNoneMatch: string | undefined,
  readHead: Record<string, string>,
  body: Buffer | string,
): Answer {
  const headers = { etag: tag, ...readHead, 'cache-control': CACHE_CONTROL }
  if (!noneMatch(ifNoneMatch, tag)) return { status: 304, headers, body: undefined }
  return { status: 200, headers: { 'content-type': JSON_TYPE, ...headers }, body }
}

/** A list: no tag, because it has no version. */
export function listAnswer(readHead: Record<string, string>, body: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': JSON_TYPE, ...readHead, 'cache-control': CACHE_CONTROL },
    body,
  }
}

export function writeAnswer(tag: string, visible: boolean, body: object, location?: string): Answer {
  const headers: Record<string, string> = { 'content-type': JSON_TYPE, etag: tag, 'cache-control': 'no-store' }
  if (!visible) headers.visibility = 'pending'
  if (location !== undefined) headers.location = location
  return { status: location === undefined ? 200 : 201, headers, body: JSON.stringify(body) }
}

/** What is so in this process at this moment: it has no version, and a copy of it is worth nothing. */
export function momentAnswer(body: object, visible = true): Answer {
  const headers: Record<string, string> = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }
  if (!visible) headers.visibility = 'pending'
  return { status: 200, headers, body: JSON.stringify(body) }
}

// Plain JSON Schema: @fastify/swagger wraps each header in a `schema` of its own.
const ETAG = { type: 'string', pattern: '^"[^"]+"$', description: 'Names this version.' }
const READ_AGE = {
  type: 'integer',
  description: 'At most so many milliseconds ago it was still so. Absent when it is not known.',
}
const READ_STALE = {
  type: 'string',
  enum: ['true'],
  description: 'Only when it is so: changes are not being handled, and the database could not confirm the answer.',
}
const READ_FROM = { type: 'string', enum: READ_FROM_NEAREST_FIRST, description: 'Where the answer was read.' }
const READ_HEAD = { 'read-from': READ_FROM, 'read-age': READ_AGE, 'read-stale': READ_STALE }
const VISIBILITY = {
  type: 'string',
  enum: ['pending'],
  description: 'Only when it is so: committed, but reads may show it only after the workers have caught up.',
}
/** Of what operators set. */
export const SWITCH_VISIBILITY = {
  type: 'string',
  enum: ['pending'],
  description: 'Only when it is so: committed, and in force in this replica only within a second, as in the others.',
}
const CACHE = { type: 'string', description: 'Whether a copy may be kept, and asked about again.' }
const LOCATION = { type: 'string', pattern: '^/v1/users/[1-9][0-9]*$', description: 'Where the new user is.' }

const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

/** By status. Bodies are sent as finished bytes, so their types need not be known to the framework. */
type AnswerMap = Record<
  number,
  { description: string; headers?: Record<string, object>; content?: Record<string, { schema: z.ZodType }> }
>

export const readAnswers = (description: string, schema: z.ZodType): AnswerMap => ({
  200: {
    description,
    headers: { ...REQUEST_ID, etag: ETAG, ...READ_HEAD, 'cache-control': CACHE },
    content: json(schema),
  },
  304: { description: 'The caller has this version.' },
})
export const listAnswers = (description: string, schema: z.ZodType): AnswerMap => ({
  200: {
    description,
    headers: { ...REQUEST_ID, ...READ_HEAD, 'cache-control': CACHE },
    content: json(schema),
  },
})
export const writeAnswers = (schema: z.ZodType, status: 200 | 201 = 200): AnswerMap => ({
  [status]: {
    description: status === 201 ? 'Done; Location says where.' : 'Done, or it was so already.',
    headers: {
      ...REQUEST_ID,
      etag: ETAG,
      'cache-control': CACHE,
      visibility: VISIBILITY,
      ...(status === 201 ? { location: LOCATION } : {}),
    },
    content: json(schema),
  },
})

export const momentAnswers = (
  description: string,
  schema: z.ZodType,
  more: Record<string, object> = {},
): AnswerMap => ({
  200: { description, headers: { ...REQUEST_ID, 'cache-control': CACHE, ...more }, content: json(schema) },
})

export const IfMatch = z.looseObject({
  'if-match': z.string().optional().meta({ description: 'The ETag of the version that is meant; another one is 412.' }),
})
const IF_NONE_MATCH = {
  'if-none-match': z.string().optional().meta({ description: 'ETags that the caller has; one of them is 304.' }),
}
/** Of routes that show the catalogue. */
export const IfNoneMatch = withoutMinVersion(z.looseObject(IF_NONE_MATCH))
/** Of routes that show one user. */
export const UserConditions = z.looseObject({ ...IF_NONE_MATCH, ...MIN_VERSION })

export const WrittenUser = z
  .object({ userId: z.int(), version: Version })
  .meta({ id: 'WrittenUser', description: 'The version that shows the command.' })
export const WrittenRole = z
  .object({ role: z.string(), version: Version })
  .meta({ id: 'WrittenRole', description: 'The catalogue’s version that shows the command.' })
