import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DomainError } from '../domain/errors.ts'
import { MAX_USER_ID } from '../domain/user.ts'
import { asInteger, digitsUpTo } from './fields.ts'
import { UserBody } from './user.ts'

export const DEFAULT_PAGE = 50
export const MAX_PAGE = 200
const MAX_CURSOR_LENGTH = 1024
const CURSOR_VERSION = 1
const FILTER_HASH_LENGTH = 8

export const LimitParam = z
  .string()
  .regex(/^([1-9][0-9]?|1[0-9][0-9]|200)$/, `must be an integer, 1 to ${MAX_PAGE}`)
  .transform(Number)
  .meta({
    description: `How many users a page holds at most (${DEFAULT_PAGE} when absent).`,
    override: asInteger(1, MAX_PAGE, { default: DEFAULT_PAGE }),
  })
  .optional()

export const CursorParam = z
  .string()
  .regex(new RegExp(`^[A-Za-z0-9_-]{1,${MAX_CURSOR_LENGTH}}$`), 'must be a cursor that an earlier page gave')
  .meta({ description: 'Where to go on: `nextCursor` of the page before, with the same filters.' })
  .optional()

export const UserPage = z
  .object({
    items: z.array(UserBody),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: 'Null on the last page. A page may be short, even empty, and not be the last.' }),
  })
  .meta({ id: 'UserPage' })

const CursorContent = z.tuple([z.literal(CURSOR_VERSION), z.string(), z.string()])

/** A cursor says after which key a page goes on, and for which filter it was given. Opaque to clients. */
function encodeCursor(filter: object, lastKey: string): string {
  return Buffer.from(JSON.stringify([CURSOR_VERSION, filterHash(filter), lastKey])).toString('base64url')
}

/**
 * The key to go on after; null from the start. Throws `invalid-cursor`: damaged, made up, or given for another filter.
 * Only what encodeCursor itself would have written is taken: base64url has other spellings of the same bytes.
 */
export function decodeCursor(filter: object, cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  const content = CursorContent.safeParse(parsed(Buffer.from(cursor, 'base64url').toString('utf8')))
  const key = content.data?.[2]
  if (key === undefined || !isKey(filter, key) || encodeCursor(filter, key) !== cursor) {
    throw new DomainError('invalid-cursor', 'The cursor is damaged, or was given for other filters.', '/cursor')
  }
  return key
}

const ID_KEY = new RegExp(`^${digitsUpTo(MAX_USER_ID)}$`)
/** A searched name, NUL, and the id in 16 digits (projections/user/project.ts). */
const NAME_KEY = /^[^\0]*\0[0-9]{16}$/

/** Lists go by id, searches by name and id. */
function isKey(filter: object, key: string): boolean {
  const searched = 'q' in filter && filter.q !== null
  return (searched ? NAME_KEY : ID_KEY).test(key)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function filterHash(filter: object): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, FILTER_HASH_LENGTH)
}

/** A page's body, put together from bodies that are JSON already. */
export function pageBody(bodies: Buffer[], filter: object, next: string | null, more: object = {}): string {
  const nextCursor = next === null ? null : encodeCursor(filter, next)
  const rest = JSON.stringify({ ...more, nextCursor }).slice(1)
  return `{"items":[${bodies.map((body) => body.toString()).join(',')}],${rest}`
}
