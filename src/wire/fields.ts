import { z } from 'zod'
import { LIMIT_NAMES } from '../domain/limits.ts'
import { MAX_USER_ID } from '../domain/user.ts'

/** Longest path, query or header value that is looked at, in characters; longer ones are refused by their pattern. */
const MAX_USER_ID_DIGITS = String(MAX_USER_ID).length

const ID_DIGITS = new RegExp(`^[1-9][0-9]{0,${MAX_USER_ID_DIGITS - 1}}$`)

/** A pattern of the digits of 1 to `max`: it alone says all, so that no id can lose a digit on its way to a number. */
export function digitsUpTo(max: number): string {
  const digits = [...String(max)].map(Number)
  const shorter = `[1-9][0-9]{0,${digits.length - 2}}`
  const aslong = digits.flatMap((digit, i) => {
    const lowest = i === 0 ? 1 : 0
    if (digit <= lowest) return []
    return `${digits.slice(0, i).join('')}[${lowest}-${digit - 1}][0-9]{${digits.length - 1 - i}}`
  })
  return `(${[shorter, ...aslong, String(max)].join('|')})`
}

export const UserId = z
  .int()
  .min(1)
  .max(MAX_USER_ID)
  .meta({ description: 'A user’s number.', examples: [1] })

/** Shows a number that travels as digits in a path or query as the integer that it means. */
export function asInteger(minimum: number, maximum: number, more: object = {}) {
  return ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
    delete jsonSchema.pattern
    Object.assign(jsonSchema, { type: 'integer', minimum, maximum, ...more })
  }
}

/** A user id in a path or query: digits only, so that `1e3`, `0x10` and ` 1` are refused. */
export const UserIdParam = z
  .string()
  .regex(ID_DIGITS, `must be an integer, 1 to ${MAX_USER_ID}`)
  .transform(Number)
  .refine((id) => id <= MAX_USER_ID, `must be an integer, 1 to ${MAX_USER_ID}`)
  .meta({
    description: 'A user’s number.',
    override: asInteger(1, MAX_USER_ID, { examples: [1] }),
  })

export const BranchId = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,16}$/, 'must be 1 to 16 letters, digits or hyphens')
  .meta({ description: 'A branch, opaque to this service.', examples: ['B001'] })

export const Username = z
  .string()
  .regex(/^[a-z0-9._-]{3,64}$/, 'must be 3 to 64 lower-case letters, digits, dots, underscores or hyphens')
  .meta({ description: 'Log-in name, unique without regard to ASCII case.', examples: ['zofia.wojcik'] })

/** A username in a path: looser, because older programs have given others; it is compared without regard to case. */
export const UsernameParam = z
  .string()
  .regex(/^[^\u0000-\u001f\u007f]{1,64}$/u, 'must be 1 to 64 characters without control characters')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .meta({ description: 'Log-in name, compared without regard to ASCII case.', examples: ['zofia.wojcik'] })

export const RoleName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,32}$/, 'must be 1 to 32 letters, digits, dots, underscores or hyphens')
  .meta({ description: 'A role of the catalogue.', examples: ['cashier'] })

export const PermissionName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, underscores or hyphens')
  .meta({ description: 'What somebody wants to do.', examples: ['receipt.void'] })

/** Any name: one that there is not is no such thing (404), as with roles. */
export const LimitNameParam = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,32}$/, 'must be 1 to 32 letters, digits, dots, underscores or hyphens')
  .meta({ description: `A limit: ${LIMIT_NAMES.join(', ')}.`, examples: ['discount-percent'] })

export const PreferenceKey = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, underscores or hyphens')
  .meta({ description: 'A preference’s name.', examples: ['receipt-greeting'] })

// White space, zero-width and direction characters: not at the ends of a name, where nobody sees them.
const EDGE = '\\u0000-\\u0020\\u007F-\\u00A0\\u1680\\u2000-\\u200F\\u2028-\\u202F\\u205F-\\u206F\\u3000\\uFEFF'
// Control characters, line separators and direction overrides: nowhere in a name.
const CONTROL = '\\u0000-\\u001F\\u007F-\\u009F\\u2028-\\u202E\\u2066-\\u2069'

/**
 * One line of human text, `max` code points long at most. 63 code points are never more than 252 bytes of UTF-8, which a
 * VARCHAR(255) of the database holds.
 */
export function line(max: number, description: string, example: string) {
  return z
    .string()
    .regex(
      new RegExp(`^[^${EDGE}]([^${CONTROL}]{0,${max - 2}}[^${EDGE}])?$`, 'u'),
      `must be 1 to ${max} characters, without control characters and without blanks at its ends`,
    )
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
    .meta({ description, examples: [example] })
}
export const MAX_LINE = 63

export const GivenName = line(MAX_LINE, 'Given name.', 'Zofia')
export const FamilyName = line(MAX_LINE, 'Family name.', 'Wójcik')
export const JobTitle = line(MAX_LINE, 'Job title.', 'Shift manager')
export const RoleTitle = line(MAX_LINE, 'What people call the role.', 'Cashier')

export const EmployeeNumber = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,32}$/, 'must be 1 to 32 letters, digits or hyphens')
  .meta({ description: 'Number in the HR system.', examples: ['E-0001'] })

export const Email = z
  .string()
  .regex(/^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,40}([.][A-Za-z0-9-]{1,40}){1,3}$/, 'must be an e-mail address')
  .meta({ description: 'E-mail address.', examples: ['zofia.wojcik@example.com'] })

export const Phone = z
  .string()
  .regex(/^[+]?[0-9][0-9 ()./-]{1,28}[0-9]$/, 'must be a telephone number of 3 to 31 digits, blanks or punctuation')
  .meta({ description: 'Telephone number.', examples: ['+48 22 555 01 00'] })

export const PreferenceValue = z
  .string()
  .regex(
    /^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]{1,500}$/u,
    'must be 1 to 500 characters; of the control characters only tab and line ends',
  )
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .meta({ description: 'Any text.', examples: ['Dzień dobry! 👋'] })

export const LimitValue = z
  .int()
  .min(0)
  .max(1_000_000_000)
  .meta({ examples: [15] })

export const Version = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({ description: 'Rises with every change, and may skip.', examples: [7] })

export const Timestamp = z
  .string()
  .meta({ format: 'date-time', description: 'RFC 3339, UTC.', examples: ['2024-05-01T08:30:00.000Z'] })
