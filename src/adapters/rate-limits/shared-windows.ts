import { hash } from 'node:crypto'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Standing } from '../../ports/rate-limits.ts'
import { windows } from './windows.ts'

/** The counters that all replicas have together. `run` rejects when they don't answer in time, or not at all. */
export type Counters = { client: object; run<Reply>(call: () => Promise<Reply>): Promise<Reply>; close(): void }
/** `nowMs`: of a clock that never goes back. */
type Options = { limit: number; windowS: number; nowMs(): number; counters: Counters }
export type SharedWindows = { take(key: string): Promise<Standing> }

/**
 * Counts by key, all replicas together. Each counts for itself as well, and goes by that while Redis is away: then a caller
 * may have as many times the limit as there are replicas, and never begins anew because Redis has gone. Not by the
 * library's own insurance, which keeps a timer a caller, and any number of them.
 */
export function sharedWindows({ limit, windowS, nowMs, counters }: Options): SharedWindows {
  const alone = windows({ limit, windowS, nowMs })
  const together = new RateLimiterRedis({
    storeClient: counters.client,
    points: limit,
    duration: windowS,
    keyPrefix: '',
    rejectIfRedisNotReady: true,
    // Who is over the limit stays there until the window ends: that needs no further question.
    inMemoryBlockOnConsumed: limit + 1,
  })
  const consume = (key: string): Promise<RateLimiterRes> =>
    together.consume(counterKey(key)).catch((refused: unknown) => {
      if (refused instanceof RateLimiterRes) return refused
      throw refused
    })
  return {
    async take(key) {
      const own = alone.take(key)
      try {
        return standingOf(limit, await counters.run(() => consume(key)))
      } catch (error) {
        if (own === null) throw error
        return own
      }
    },
  }
}

function standingOf(limit: number, { consumedPoints, remainingPoints, msBeforeNext }: RateLimiterRes): Standing {
  // A caller that is remembered as over the limit has consumed none this time.
  const allowed = consumedPoints > 0 && consumedPoints <= limit
  return { allowed, limit, remaining: remainingPoints, resetS: Math.ceil(msBeforeNext / 1_000) }
}

/**
 * Begins as all keys of this service do, for the rights that it has, and is none that a clean-up of read models takes for
 * its own (`epochOf` in projections/keys.ts). A digest: whoever looks into Redis need not learn who writes, and a caller's
 * name may be long.
 */
export function counterKey(key: string): string {
  return `{usr:w${hash('sha256', key, 'base64url')}}:1`
}
