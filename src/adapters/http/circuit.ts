import CircuitBreaker from 'opossum'
import type { ForcedState } from '../../domain/neighbours.ts'
import type { BreakerState } from '../../ports/neighbours.ts'
import type { Verdict } from './failure.ts'

export type CircuitLimits = {
  /** Opens when at least so many calls of the last `windowMs` have said something, and this share of them `ill`. */
  leastCalls: number
  illPercent: number
  windowMs: number
  /** How long nobody is let through; then one call tries. */
  openMs: number
}
type Deps = CircuitLimits & {
  verdictOf(error: unknown): Verdict
  onChange(state: BreakerState, forced: ForcedState | null): void
}
/** Thrown in place of a call. */
export class CircuitOpen extends Error {}

const WINDOW_BUCKETS = 10

export type Circuit = ReturnType<typeof circuit>

/**
 * opossum's breaker, told of calls when they have ended: a call that says nothing of the neighbour then counts neither
 * way. Only the one call that tries whether it is well again is run inside, and whatever it does not prove counts as ill:
 * calls must settle by themselves, or it would try for ever. Deadlines, bounds and abort signals are others' business:
 * opossum's are one for all calls, or count as failures.
 */
export function circuit(deps: Deps) {
  const { verdictOf, onChange } = deps
  const breaker = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
    timeout: false,
    errorFilter: (error) => verdictOf(error) === 'well',
    errorThresholdPercentage: deps.illPercent,
    volumeThreshold: deps.leastCalls,
    rollingCountTimeout: deps.windowMs,
    rollingCountBuckets: WINDOW_BUCKETS,
    resetTimeout: deps.openMs,
    // 7 ms a failure with many samples, and nobody reads them, nor snapshots.
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  })
  let forced: ForcedState | null = null
  const own = (): BreakerState => (breaker.closed ? 'closed' : breaker.halfOpen ? 'half-open' : 'open')
  const state = () => forced ?? own()
  const changed = () => onChange(state(), forced)
  const changedItself = () => void (forced ?? changed())
  breaker.on('open', changedItself).on('halfOpen', changedItself).on('close', changedItself)

  const tell = (work: () => Promise<unknown>) => void breaker.fire(work).catch(() => undefined)
  const watched = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await work()
      if (counts()) tell(async () => undefined)
      return answer
    } catch (error) {
      if (counts() && verdictOf(error) !== 'nothing') tell(() => Promise.reject(error))
      throw error
    }
  }
  /** What began before it opened says nothing of later, and must not be taken for the call that tries. */
  const counts = () => forced === null && breaker.closed

  return {
    /** Rejects with CircuitOpen instead of calling. */
    async run<Answer>(work: () => Promise<Answer>): Promise<Answer> {
      if (forced === 'closed') return work()
      if (forced === 'open') throw new CircuitOpen()
      if (breaker.closed) return watched(work)
      // Half open, and nobody tries yet. Whoever fires first is the one.
      if (breaker.pendingClose) return breaker.fire(work) as Promise<Answer>
      throw new CircuitOpen()
    },
    state,
    forced: () => forced,
    /** null: it decides by itself again, beginning with closed. */
    force(next: ForcedState | null): void {
      if (next === forced) return
      // Closed now, lest it takes up where it was when it was forced; said once, below.
      forced ??= next
      breaker.close()
      forced = next
      changed()
    },
    /** opossum keeps timers. */
    stop: () => breaker.shutdown(),
  }
}
