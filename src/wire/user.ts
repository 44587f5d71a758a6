import { z } from 'zod'
import { LIMITS, type LimitName } from '../domain/limits.ts'
import { USER_STATUSES, type User } from '../domain/user.ts'
import { Timestamp, UserId, Version } from './fields.ts'

// Answers are looser than requests: what older programs have written is shown as it is.
const text = (example: string) => z.string().meta({ examples: [example] })

export const GrantBody = z
  .object({ role: text('cashier'), branchId: text('B001').nullable() })
  .meta({ id: 'Grant', description: 'A role, held everywhere (`branchId` null) or at one branch.' })

const limitShape = Object.fromEntries(
  Object.entries(LIMITS).map(([name, { title, unit }]) => [
    name,
    z
      .int()
      .meta({ description: `${title} (${unit}).`, examples: [15] })
      .optional(),
  ]),
) as Record<LimitName, z.ZodOptional<z.ZodInt>>

/** What only callers with the scope users:pii are shown, and may set. */
export const PERSONAL_FIELDS = ['employeeNumber', 'email', 'phone'] as const
export type PersonalField = (typeof PERSONAL_FIELDS)[number]

const personal = (example: string) =>
  text(example).nullable().optional().meta({ description: 'Only with the scope `users:pii`; left out without it.' })

/** What every answer that shows a user holds. */
export const UserBody = z
  .object({
    userId: UserId,
    username: text('zofia.wojcik'),
    employeeNumber: personal('E-0001'),
    givenName: text('Zofia'),
    familyName: text('Wójcik'),
    email: personal('zofia.wojcik@example.com'),
    phone: personal('+48 22 555 01 00'),
    jobTitle: text('Shift manager').nullable(),
    status: z.enum(USER_STATUSES),
    homeBranchId: text('B001').nullable(),
    branches: z.array(z.string()).meta({ examples: [['B001', 'B014']] }),
    roles: z.array(GrantBody),
    limits: z.object(limitShape).meta({ description: 'Only the limits that are set.' }),
    preferences: z.record(z.string(), z.string()).meta({ examples: [{ theme: 'dark' }] }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    version: Version,
  })
  .meta({ id: 'User', description: 'One user at one version.' })

export type UserBody = z.infer<typeof UserBody>
/** Of those who may see what is personal, and of those who may not. */
export type FullUserBody = UserBody & Pick<User, PersonalField>
export type BareUserBody = Omit<UserBody, PersonalField>

/** The answer's shape of a user. The order of the fields is the order of the bytes. */
export function userBody(user: User): FullUserBody {
  const { id, version, ...shown } = user
  return { userId: id, ...shown, version }
}

/** The same, and in the same order, without what is personal. */
export function bareUserBody(user: User): BareUserBody {
  const { employeeNumber, email, phone, ...bare } = userBody(user)
  return bare
}

/**
 * Which personal fields a request sets, as JSON Pointers. `unset`: what stands where a field is not set, `undefined` in a
 * patch (null sets it), `null` in what has been given defaults.
 */
export function personalFieldsSet(body: { [Field in PersonalField]?: unknown }, unset: undefined | null): string[] {
  return PERSONAL_FIELDS.flatMap((field) => (body[field] === unset ? [] : [`/${field}`]))
}
