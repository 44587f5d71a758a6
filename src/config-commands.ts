import { z } from 'zod'
import { integer } from './config-values.ts'

const MS_AN_HOUR = 3_600_000

/** Settings of the commands. */
export const COMMAND_VARIABLES = {
  IDEMPOTENCY_KEY_TTL_HOURS: integer(
    24,
    1,
    720,
    'How long the answer to a command is kept for repeats with its Idempotency-Key; an older key counts as never used.',
  ),
} as const
const Variables = z.object(COMMAND_VARIABLES)

export type CommandsConfig = { keysKeptMs: number }

export function commandsFrom(env: z.infer<typeof Variables>): CommandsConfig {
  return { keysKeptMs: env.IDEMPOTENCY_KEY_TTL_HOURS * MS_AN_HOUR }
}
