import { z } from 'zod'
import { integer, optionalInteger } from './config-values.ts'

const MS_A_DAY = 86_400_000
/** RFC 3339, UTC. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/

/** Settings of the audit of commands, whose reader is the history of a user. */
export const HISTORY_VARIABLES = {
  AUDIT_RETENTION_DAYS: optionalInteger(
    1,
    36_500,
    'How long it is kept who has done what; the jobs worker removes what is older once a day. Absent: for ever.',
  ),
  AUDIT_CHAIN_EVERY_MS: integer(
    86_400_000,
    1_000,
    604_800_000,
    'How long after the whole audit of commands was verified the jobs worker begins again (docs/audit.md).',
  ),
  AUDIT_CHAIN_ROWS_PER_SECOND: integer(
    200,
    1,
    1_000_000,
    'The most that this asks of the database; each entry of the audit takes three rows.',
  ),
  AUDIT_CHAIN_HAD_RETENTION: z
    .enum(['off', 'on'])
    .default('off')
    .describe('Whether AUDIT_RETENTION_DAYS was set once: then the oldest entries of chains may be missing.'),
  AUDIT_CHAIN_UNCHAINED_BEFORE: z
    .string()
    .refine((text) => TIME.test(text) && !Number.isNaN(Date.parse(text)), 'a time like 2026-07-01T12:00:00Z')
    .transform((text) => new Date(text).toISOString())
    .optional()
    .describe(
      'When the last process of a release ended that wrote entries without a place in a chain: older ones pass.',
    ),
} as const
const Variables = z.object(HISTORY_VARIABLES)

/** `keptMs` null: for ever. */
export type HistoryConfig = {
  keptMs: number | null
  verify: { everyMs: number; rowsPerSecond: number; hadRetention: boolean; unchainedBefore: string | null }
}

export function historyFrom(env: z.infer<typeof Variables>): HistoryConfig {
  const { AUDIT_RETENTION_DAYS: days } = env
  return {
    keptMs: days === undefined ? null : days * MS_A_DAY,
    verify: {
      everyMs: env.AUDIT_CHAIN_EVERY_MS,
      rowsPerSecond: env.AUDIT_CHAIN_ROWS_PER_SECOND,
      hadRetention: env.AUDIT_CHAIN_HAD_RETENTION === 'on',
      unchainedBefore: env.AUDIT_CHAIN_UNCHAINED_BEFORE ?? null,
    },
  }
}
