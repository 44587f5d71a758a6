/** What counts is counted in windows of this length. */
export const RATE_WINDOW_S = 60

type Standing = { limit: number; remaining: number; resetS: number }

/**
 * Names and values by turns: `RateLimit` and `RateLimit-Policy`, as draft-ietf-httpapi-ratelimit-headers-10 has them, sections 3
 * and 4. No partition key (`pk`): it would tell who is counted together with whom.
 */
export function rateLimitHead(load: string, { limit, remaining, resetS }: Standing): string[] {
  return ['ratelimit', `"${load}";r=${remaining};t=${resetS}`, 'ratelimit-policy', policyOf(load, limit)]
}

/** Made once: it is the same in every answer. By load, of which there are few. */
const policies = new Map<string, { limit: number; policy: string }>()

function policyOf(load: string, limit: number): string {
  const known = policies.get(load)
  if (known?.limit === limit) return known.policy
  const policy = `"${load}";q=${limit};w=${RATE_WINDOW_S}`
  policies.set(load, { limit, policy })
  return policy
}

// Plain JSON Schema: @fastify/swagger wraps each header in a `schema` of its own.
const RATE_LIMIT = {
  ratelimit: {
    type: 'string',
    description:
      'Of requests that are counted together `r` are left, until all is as at first again in `t` seconds. Absent: without limit.',
    examples: ['"read";r=599999;t=60'],
  },
  'ratelimit-policy': {
    type: 'string',
    description: '`q` of them in `w` seconds. Absent: without limit.',
    examples: ['"read";q=600000;w=60'],
  },
}

const TOO_MANY = 429
const FIRST_REFUSAL = 400

/** Answers of a route for its OpenAPI description, by status: with these headers where they are. */
export function withRateLimit(answers: object): Record<string, object> {
  return Object.fromEntries(
    Object.entries(answers as Record<string, { headers?: object }>).map(([status, answer]) => {
      const isCounted = Number(status) < FIRST_REFUSAL || Number(status) === TOO_MANY
      return [status, isCounted ? { ...answer, headers: { ...answer.headers, ...RATE_LIMIT } } : answer]
    }),
  )
}
