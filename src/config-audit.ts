import { z } from 'zod'
import { integer } from './config-values.ts'

/** Settings of the auditor, which compares the read models with the database. */
export const AUDIT_VARIABLES = {
  AUDIT_SAMPLE_SIZE: integer(
    500,
    1,
    100_000,
    'Users that the auditor draws each time; consistency is measured by them.',
  ),
  AUDIT_SAMPLE_EVERY_MS: integer(60_000, 1_000, 86_400_000, 'How often the auditor draws users.'),
  AUDIT_WALK_EVERY_MS: integer(14_400_000, 10_000, 604_800_000, 'How often the auditor compares everybody.'),
  AUDIT_RECHECK_AFTER_MS: integer(
    10_000,
    3_000,
    600_000,
    'How long after a change the auditor looks at it, and how long a difference must last to count.',
  ),
  AUDIT_USERS_PER_SECOND: integer(1_000, 1, 1_000_000, 'The most that walks and rechecks ask of the database.'),
} as const
const Variables = z.object(AUDIT_VARIABLES)

export type AuditConfig = {
  sampleSize: number
  sampleEveryMs: number
  walkEveryMs: number
  recheckAfterMs: number
  usersPerSecond: number
}

export function auditFrom(env: z.infer<typeof Variables>): AuditConfig {
  return {
    sampleSize: env.AUDIT_SAMPLE_SIZE,
    sampleEveryMs: env.AUDIT_SAMPLE_EVERY_MS,
    walkEveryMs: env.AUDIT_WALK_EVERY_MS,
    recheckAfterMs: env.AUDIT_RECHECK_AFTER_MS,
    usersPerSecond: env.AUDIT_USERS_PER_SECOND,
  }
}
