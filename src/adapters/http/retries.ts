import { pause } from './deadline.ts'
import { Failure } from './failure.ts'
import type { RetryBudget } from './retry-budget.ts'

export type RetryLimits = {
  /** The first among them. */
  attempts: number
  /** The first pause is up to this long, each further one up to twice as long as the one before. */
  firstPauseMs: number
  longestPauseMs: number
}
type Deps = RetryLimits & {
  budget: RetryBudget
  /** What a further attempt needs at least; with less left it would only be one more that comes too late. */
  leastMs: number
  random?: () => number
}
type Call = {
  /** A call that may have been carried out is not made again unless that does no harm (RFC 9110 section 9.2.2). */
  idempotent: boolean
  /** By `performance.now()`. */
  untilMs(): number
  signal: AbortSignal
}

/**
 * Attempts with pauses of full jitter, each drawn from nothing up to a limit that doubles: callers that failed together do
 * not come back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Never sooner than
 * the neighbour's Retry-After; when that is beyond the call's time, not at all.
 */
export function retries(deps: Deps) {
  const { attempts, budget, leastMs, random = Math.random } = deps
  return async <Answer>(call: Call, attempt: () => Promise<Answer>): Promise<Answer> => {
    let wasIll = false
    for (let made = 1; ; made += 1) {
      try {
        const answer = await attempt()
        budget.answered()
        return answer
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        wasIll ||= error.verdict === 'ill'
        const pauseMs = error.afterMs + random() * longestPauseAfter(made, deps)
        const isTooLate = performance.now() + pauseMs + leastMs > call.untilMs()
        const mayTry = error.again && call.idempotent && made < attempts && !call.signal.aborted
        // The last one may have had no time to show what the others have.
        if (!mayTry || isTooLate || !budget.spend()) throw wasIll ? error.saying('ill') : error
        await pause(pauseMs, call.signal)
      }
    }
  }
}

export function longestPauseAfter(attempt: number, limits: Omit<RetryLimits, 'attempts'>): number {
  return Math.min(limits.longestPauseMs, limits.firstPauseMs * 2 ** (attempt - 1))
}
