import { z } from 'zod'
import { integer } from './config-values.ts'

/** As browsers write them: in lower case, without a path. */
const ORIGINS = /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?(,https?:\/\/[a-z0-9.-]+(:\d{1,5})?){0,99}$/
const MOST_A_MINUTE = 999_999_999

/** Settings of what one caller may ask for, and of when everybody is asked to come back later. */
export const LIMIT_VARIABLES = {
  RATE_LIMIT_READS: integer(
    600_000,
    0,
    MOST_A_MINUTE,
    'Reads of users, permissions and roles that one caller may make in a minute, of each process; 0: as many as they like.',
  ),
  RATE_LIMIT_SEARCHES: integer(
    6_000,
    0,
    MOST_A_MINUTE,
    'Lists, rosters, profiles and histories that one caller may ask for in a minute, each process; 0: as many as they like.',
  ),
  RATE_LIMIT_WRITES: integer(
    6_000,
    0,
    MOST_A_MINUTE,
    'Commands that one caller may give in a minute, all processes together; 0: as many as they like.',
  ),
  RATE_LIMIT_REFUSALS: integer(
    600,
    0,
    MOST_A_MINUTE,
    'Missing or bad tokens that one address may show in a minute, each process; 0: as many as they like.',
  ),
  OVERLOAD_SEARCHES_DELAY_MS: integer(
    50,
    0,
    60_000,
    'Mean lateness of the event loop, above which lists, rosters, profiles and histories are refused with 503; 0: never.',
  ),
  OVERLOAD_DELAY_MS: integer(
    120,
    0,
    60_000,
    'The same, above which all is refused but health and users that are kept in this process; 0: never. Less than REDIS_READ_DEADLINE_MS, or answers of Redis count as late first.',
  ),
  OVERLOAD_SEARCHES_BUSY_PERCENT: integer(
    0,
    0,
    100,
    'Part of the time in which the event loop was busy, above which lists and the like are refused as well; 0: never. Busy is not late.',
  ),
  CORS_ORIGINS: z
    .string()
    .regex(ORIGINS, 'https://host,https://host:port, at most 100')
    .optional()
    .describe('Origins whose pages may ask the API from a browser, with commas between. Absent: none.'),
} as const
const Variables = z.object(LIMIT_VARIABLES)

/** Requests a minute; 0: no limit. */
export type LimitsConfig = { reads: number; searches: number; writes: number; refusals: number }

export function limitsFrom(env: z.infer<typeof Variables>): LimitsConfig {
  return {
    reads: env.RATE_LIMIT_READS,
    searches: env.RATE_LIMIT_SEARCHES,
    writes: env.RATE_LIMIT_WRITES,
    refusals: env.RATE_LIMIT_REFUSALS,
  }
}

/** Of the event loop since the last look: its mean lateness, and the part of the time in which it was busy. 0: no limit. */
type OverloadConfig = { searchesDelayMs: number; delayMs: number; searchesBusyPercent: number }
/** What the HTTP server guards itself with. */
export type GuardsConfig = { corsOrigins: string[]; overload: OverloadConfig }

export function guardsFrom(env: z.infer<typeof Variables>): GuardsConfig {
  return {
    corsOrigins: env.CORS_ORIGINS?.split(',') ?? [],
    overload: {
      searchesDelayMs: env.OVERLOAD_SEARCHES_DELAY_MS,
      delayMs: env.OVERLOAD_DELAY_MS,
      searchesBusyPercent: env.OVERLOAD_SEARCHES_BUSY_PERCENT,
    },
  }
}
