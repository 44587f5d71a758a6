import { z } from 'zod'
import { optionalInteger } from './config-values.ts'

const MS_A_DAY = 86_400_000

/** Settings of the audit of commands, whose reader is the history of a user. */
export const HISTORY_VARIABLES = {
  AUDIT_RETENTION_DAYS: optionalInteger(
    1,
    36_500,
    'How long it is kept who has done what; the jobs worker removes what is older once a day. Absent: for ever.',
  ),
} as const
const Variables = z.object(HISTORY_VARIABLES)

/** Null: for ever. */
export type HistoryConfig = { keptMs: number | null }

export function historyFrom({ AUDIT_RETENTION_DAYS: days }: z.infer<typeof Variables>): HistoryConfig {
  return { keptMs: days === undefined ? null : days * MS_A_DAY }
}
