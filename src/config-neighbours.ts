import { z } from 'zod'
import { integer } from './config-values.ts'

const URL_FORM = 'http://… or https://…, without user, password and query'

const url = (whose: string) =>
  z
    .url({ protocol: /^https?$/, error: URL_FORM })
    .refine((text) => !/[?#@]/.test(text), URL_FORM)
    .optional()
    .describe(`Where ${whose} is. Absent: profiles come without its part, and say so.`)

/** Settings of the calls to other microservices. */
export const NEIGHBOUR_VARIABLES = {
  PROFILE_DEADLINE_MS: integer(
    500,
    10,
    60_000,
    'How long a profile waits for other services; less where the caller’s X-Request-Deadline says so.',
  ),
  BRANCHES_URL: url('branches-service'),
  BRANCHES_CALL_MS: integer(400, 10, 60_000, 'Longest call of branches-service, further attempts among that.'),
  BRANCHES_ATTEMPT_MS: integer(
    200,
    5,
    60_000,
    'Longest attempt of a call of branches-service; at most the call’s time.',
  ),
  BRANCHES_CONCURRENT: integer(32, 1, 10_000, 'Calls of branches-service at the same time, a process.'),
  PEOPLE_URL: url('people-service'),
  PEOPLE_CALL_MS: integer(400, 10, 60_000, 'Longest call of people-service, further attempts among that.'),
  PEOPLE_ATTEMPT_MS: integer(200, 5, 60_000, 'Longest attempt of a call of people-service; at most the call’s time.'),
  PEOPLE_CONCURRENT: integer(32, 1, 10_000, 'Calls of people-service at the same time, a process.'),
  NEIGHBOUR_FRESH_MS: integer(
    60_000,
    100,
    86_400_000,
    'How long an answer of another service is shown without a word. In the second half of that it is asked for again.',
  ),
  NEIGHBOUR_STALE_MS: integer(
    86_400_000,
    1_000,
    604_800_000,
    'How long an answer of another service is kept, and shown with its age when there is no newer one; at least as long as it is fresh.',
  ),
} as const
const Variables = z.object(NEIGHBOUR_VARIABLES)

export type NeighbourConfig = { url: string | null; callMs: number; attemptMs: number; concurrent: number }
export type NeighboursConfig = {
  profileDeadlineMs: number
  branches: NeighbourConfig
  people: NeighbourConfig
  freshMs: number
  staleMs: number
}

export function neighboursFrom(env: z.infer<typeof Variables>): NeighboursConfig {
  const service = (name: 'BRANCHES' | 'PEOPLE'): NeighbourConfig => ({
    url: env[`${name}_URL`] ?? null,
    callMs: env[`${name}_CALL_MS`],
    attemptMs: env[`${name}_ATTEMPT_MS`],
    concurrent: env[`${name}_CONCURRENT`],
  })
  return {
    profileDeadlineMs: env.PROFILE_DEADLINE_MS,
    branches: service('BRANCHES'),
    people: service('PEOPLE'),
    freshMs: env.NEIGHBOUR_FRESH_MS,
    staleMs: env.NEIGHBOUR_STALE_MS,
  }
}
