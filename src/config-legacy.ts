import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { ConfigError, integer } from './config-values.ts'

const URL_FORM = 'http://… or https://…, without user, password, query and fragment'

/** Settings of the legacy application, whose endpoints are taken over one at a time (docs/strangler.md). */
export const LEGACY_VARIABLES = {
  LEGACY_URL: z
    .url({ protocol: /^https?$/, error: URL_FORM })
    .refine((text) => !/[?#@]/.test(text), URL_FORM)
    .optional()
    .describe('Where the legacy application is: it answers what is not taken over. Absent: that is 404.'),
  LEGACY_CONNECT_MS: integer(1_000, 10, 60_000, 'Longest wait for a connection to the legacy application.'),
  LEGACY_DEADLINE_MS: integer(
    30_000,
    50,
    600_000,
    'Longest time from the end of a request to the head of the legacy application’s answer; then it is 504.',
  ),
  LEGACY_SILENCE_MS: integer(
    60_000,
    50,
    600_000,
    'Longest pause within a request or an answer that is passed on; then the connection is ended.',
  ),
  LEGACY_STREAM_SILENCE_MS: integer(
    3_600_000,
    50,
    86_400_000,
    'The same for event streams and WebSockets, which may be silent for long.',
  ),
  LEGACY_REQUEST_MS: integer(
    600_000,
    1_000,
    86_400_000,
    'Longest time in which a request that is passed on must have arrived whole: the largest upload.',
  ),
  LEGACY_CONCURRENT: integer(
    64,
    1,
    10_000,
    'Requests that the legacy application works on at the same time, a process.',
  ),
  LEGACY_WAITING: integer(256, 0, 10_000, 'Requests that wait for one of these to end; more are 503.'),
  LEGACY_STREAMS: integer(
    256,
    0,
    100_000,
    'Event streams and WebSockets at the same time, a process; they are not counted among the requests.',
  ),
  LEGACY_IDLE_MS: integer(
    1_000,
    1,
    600_000,
    'How long an idle connection to the legacy application is kept: less than that one keeps it.',
  ),
  TRUSTED_PROXIES: z
    .string()
    .refine((text) => text.split(',').every(isBlock), 'addresses or CIDR blocks, separated by commas')
    .optional()
    .describe(
      'Whose X-Forwarded-… and Forwarded are believed: addresses or CIDR blocks, as 10.0.0.0/8,::1. Absent: nobody’s.',
    ),
  LEGACY_TOKENS: z
    .enum(['withheld', 'passed'])
    .default('withheld')
    .describe(
      'What becomes of tokens for this service in requests that are passed on; `passed` where the legacy application verifies them itself.',
    ),
  STRANGLER_MODES: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the modes that routes start with, in JSON: {"get-user": "native"}. What operators set goes first.',
    ),
  SHADOW_SAMPLE_PERCENT: integer(
    100,
    0,
    100,
    'How many of the answers of routes in shadow or canary are compared with the other side’s.',
  ),
  SHADOW_CONCURRENT: integer(32, 1, 1_000, 'Comparisons at the same time, a process; more are left out, and counted.'),
} as const
const Variables = z.object(LEGACY_VARIABLES)

/** An IP address, or one with the number of its leading bits that count: not 0 of them, which would be everybody. */
export function isBlock(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  const mostBits = family === 6 ? 128 : 32
  const isRange = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= mostBits)
  return family !== 0 && isRange && more.length === 0
}

export type LegacyConfig = {
  /** Null: there is none. */
  url: string | null
  connectMs: number
  deadlineMs: number
  silenceMs: number
  streamSilenceMs: number
  requestMs: number
  concurrent: number
  waiting: number
  streams: number
  idleMs: number
  /** Addresses and CIDR blocks. */
  trustedProxies: string[]
  /** Whether tokens for this service are passed on to it. */
  takesTokens: boolean
  /** What STRANGLER_MODES says, by route: checked by those who know the routes. */
  startModes: Record<string, unknown>
  shadow: { samplePercent: number; concurrent: number }
}

export function legacyFrom(env: z.infer<typeof Variables>): LegacyConfig {
  return {
    url: env.LEGACY_URL ?? null,
    connectMs: env.LEGACY_CONNECT_MS,
    deadlineMs: env.LEGACY_DEADLINE_MS,
    silenceMs: env.LEGACY_SILENCE_MS,
    streamSilenceMs: env.LEGACY_STREAM_SILENCE_MS,
    requestMs: env.LEGACY_REQUEST_MS,
    concurrent: env.LEGACY_CONCURRENT,
    waiting: env.LEGACY_WAITING,
    streams: env.LEGACY_STREAMS,
    idleMs: env.LEGACY_IDLE_MS,
    trustedProxies: env.TRUSTED_PROXIES?.split(',') ?? [],
    takesTokens: env.LEGACY_TOKENS === 'passed',
    startModes: env.STRANGLER_MODES === undefined ? {} : modesIn(env.STRANGLER_MODES),
    shadow: { samplePercent: env.SHADOW_SAMPLE_PERCENT, concurrent: env.SHADOW_CONCURRENT },
  }
}

function modesIn(path: string): Record<string, unknown> {
  try {
    const modes: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof modes !== 'object' || modes === null || Array.isArray(modes)) throw new SyntaxError('no object')
    return modes as Record<string, unknown>
  } catch (error) {
    const what = error instanceof SyntaxError ? 'holds no JSON object' : 'cannot be read'
    throw new ConfigError(`Wrong settings. STRANGLER_MODES: the file ${what}`)
  }
}
