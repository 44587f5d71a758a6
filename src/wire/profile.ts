import { z } from 'zod'
import { type Employment as KnownEmployment, WEEKDAYS } from '../domain/neighbours.ts'
import { UserBody } from './user.ts'

/** What a profile has beside the user. */
export const PROFILE_PARTS = ['branches', 'employment'] as const
export type ProfilePart = (typeof PROFILE_PARTS)[number]

/** Why a part is not, or not newly, what the service that knows it says. */
export const DEGRADED_REASONS = [
  ...(['timeout', 'unreachable', 'unavailable', 'wrong-answer', 'refused', 'circuit-open'] as const),
  ...(['overloaded', 'cancelled', 'not-configured', 'refreshing'] as const),
] as const

const BranchDetails = z
  .object({
    name: z.string().meta({ examples: ['Warszawa Centrum'] }),
    address: z.object({
      street: z.string().meta({ examples: ['Marszałkowska 1'] }),
      postalCode: z.string().meta({ examples: ['00-001'] }),
      city: z.string().meta({ examples: ['Warszawa'] }),
      countryCode: z.string().meta({ description: 'ISO 3166-1 alpha-2.', examples: ['PL'] }),
    }),
    phone: z
      .string()
      .nullable()
      .meta({ examples: ['+48 22 555 01 00'] }),
    timeZone: z.string().meta({ description: 'A name of the IANA time zone database.', examples: ['Europe/Warsaw'] }),
    openingHours: z
      .array(z.object({ day: z.enum(WEEKDAYS), opens: z.string(), closes: z.string() }))
      .meta({ description: 'Local times, HH:MM; a day that is not here is closed.' }),
  })
  .meta({ id: 'BranchDetails', description: 'What branches-service knows of a branch.' })

const ProfileBranch = z
  .object({
    branchId: z.string().meta({ examples: ['B001'] }),
    home: z.boolean().meta({ description: 'The user’s home branch.' }),
    details: BranchDetails.nullable().meta({
      description: 'null: branches-service knows no such branch; or it could not be had, which `degraded` says.',
    }),
  })
  .meta({ id: 'ProfileBranch' })

const employeeNumber = z
  .string()
  .optional()
  .meta({ description: 'Only with the scope `users:pii`; left out without it.', examples: ['E-0001'] })

const Employment = z
  .object({
    employeeNumber,
    department: z.string().meta({ examples: ['Sales'] }),
    manager: z.object({ employeeNumber, name: z.string() }).nullable(),
    startDate: z.iso.date(),
    leave: z
      .object({ from: z.iso.date(), until: z.iso.date().nullable() })
      .nullable()
      .meta({ description: 'The present one, or the next.' }),
  })
  .meta({ id: 'Employment', description: 'What people-service knows of somebody’s employment.' })

export type EmploymentBody = z.infer<typeof Employment>

/** For those who may not see what is personal: neither the person's number nor the manager's. */
export function bareEmployment({ department, manager, startDate, leave }: KnownEmployment): EmploymentBody {
  return { department, manager: manager && { name: manager.name }, startDate, leave }
}

const Degraded = z
  .object({
    part: z.enum(PROFILE_PARTS),
    reason: z.enum(DEGRADED_REASONS).meta({
      description:
        '`timeout`: not in time. `unreachable`: no connection, or it broke. `unavailable`: it says itself that it ' +
        'cannot. `wrong-answer`: not what was agreed. `refused`: it does not take the question. `circuit-open`: not ' +
        'asked, because it is ill or an operator says so. `overloaded`: not asked, because too many calls are under ' +
        'way. `refreshing`: another replica is asking, or has just asked in vain. `not-configured`: nobody has said ' +
        'where it is. `cancelled`: this service is about to end.',
    }),
    asOf: z.iso.datetime().nullable().meta({
      description: 'When what is shown was last heard, of several the oldest; null: nothing is shown.',
    }),
    branchIds: z.array(z.string()).optional().meta({ description: 'Of the part `branches`: which.' }),
  })
  .meta({ id: 'Degraded', description: 'What is missing, or old, and why.' })
export type Degraded = z.infer<typeof Degraded>

export const ProfileBody = z
  .object({
    user: UserBody,
    branches: z.array(ProfileBranch).optional().meta({ description: 'When included: where the user works.' }),
    employment: Employment.nullable()
      .optional()
      .meta({
        description:
          'When included. null: the user has no employee number, people-service does not know it; or it could not be had, ' +
          'which `degraded` says.',
      }),
    degraded: z.array(Degraded).meta({ description: 'Empty: all that was asked for is here, and new.' }),
  })
  .meta({ id: 'Profile', description: 'A user, with what other services know.' })

export const IncludeParam = z
  .string()
  .regex(
    new RegExp(`^(?:${PROFILE_PARTS.join('|')})(?:,(?:${PROFILE_PARTS.join('|')})){0,${PROFILE_PARTS.length - 1}}$`),
    `must be of ${PROFILE_PARTS.join(', ')}, separated by commas`,
  )
  .refine((text) => new Set(text.split(',')).size === text.split(',').length, 'must name each part once')
  .meta({
    description: 'What to show beside the user, separated by commas; absent: everything.',
    examples: ['branches,employment'],
    override: ({ jsonSchema }) =>
      void Object.assign(jsonSchema, { pattern: `^(?:${orders(PROFILE_PARTS).join('|')})$` }),
  })
  .transform((text) => text.split(',') as ProfilePart[])

/** Some of them, each once, in any order. */
function orders(parts: readonly string[]): string[] {
  return parts.flatMap((first) => {
    const others = parts.filter((part) => part !== first)
    return [first, ...orders(others).map((rest) => `${first},${rest}`)]
  })
}

/** Of an answer with something missing or old no copy is to be kept: the next one may be whole. */
const DEGRADED_CACHE_CONTROL = 'private, no-store'
const WHOLE_CACHE_CONTROL = 'private, no-cache'
export const cacheControlOf = (degraded: Degraded[]): string =>
  degraded.length > 0 ? DEGRADED_CACHE_CONTROL : WHOLE_CACHE_CONTROL
