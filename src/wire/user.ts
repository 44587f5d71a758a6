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

/** What every answer that shows a user holds. */
export const UserBody = z
  .object({
    userId: UserId,
    username: text('zofia.wojcik'),
    employeeNumber: text('E-0001').nullable(),
    givenName: text('Zofia'),
    familyName: text('Wójcik'),
    email: text('zofia.wojcik@example.com').nullable(),
    phone: text('+48 22 555 01 00').nullable(),
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

/** The answer's shape of a user. The order of the fields is the order of the bytes. */
export function userBody(user: User): UserBody {
  const { id, version, ...shown } = user
  return { userId: id, ...shown, version }
}
