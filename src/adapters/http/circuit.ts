import CircuitBreaker from 'opossum'
import type { ForcedState } from '../../domain/neighbours.ts'
import type { BreakerState } from '../../ports/neighbours.ts'
import type { Verdict } from './failure.ts'

export type CircuitLimits = {
  /** Opens when at least so many calls of the last `windowMs` have said something, and more than this share `ill`. */
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
/** `trying`: whether the neighbour is well again depends on it. It must settle by itself, or it would be tried for ever. */
type Work<Answer> = (how: 'usual' | 'trying') => Promise<Answer>

const WINDOW_BUCKETS = 10

export type Circuit = ReturnType<typeof circuit>

/**
 * opossum's breaker, told of calls when they have ended: a call that says nothing of the neighbour then counts neither
 * way. Only the one call that tries whether it is well again is run inside, and whatever it does not prove counts as ill.
 * Deadlines, bounds and abort signals are others' business: opossum's are one for all calls, or count as failures.
 */
export function circuit(deps: Deps) {
  const { verdictOf, onChange } = deps
  let forced: ForcedState | null = null
  let breaker = open()

  const own = (): BreakerState => (breaker.closed ? 'closed' : breaker.halfOpen ? 'half-open' : 'open')
  const changed = () => onChange(forced ?? own(), forced)
  const changedItself = () => void (forced ?? changed())

  /** opossum forgets nothing when it closes: each period of being closed has one of its own. */
  function open() {
    const made = new CircuitBreaker((work: () => Promise<unknown>) => work(), optionsOf(deps))
    made.on('open', () => changedItself())
    made.on('halfOpen', () => changedItself())
    made.on('close', () => {
      renew()
      changedItself()
    })
    return made
  }
  function renew(): void {
    breaker.shutdown()
    breaker = open()
  }

  const watched = async <Answer>(work: Work<Answer>): Promise<Answer> => {
    const begun = breaker
    // What began before it opened says nothing of later, and must not be taken for the call that tries.
    const tell = (outcome: () => Promise<unknown>) => {
      if (begun === breaker && breaker.closed && forced === null) void begun.fire(outcome).catch(() => undefined)
    }
    try {
      const answer = await work('usual')
      tell(async () => undefined)
      return answer
    } catch (error) {
      if (verdictOf(error) !== 'nothing') tell(() => Promise.reject(error))
      throw error
    }
  }
  return {
    /** Rejects with CircuitOpen instead of calling. */
    async run<Answer>(work: Work<Answer>): Promise<Answer> {
      if (forced === 'closed') return work('usual')
      if (forced === 'open') throw new CircuitOpen()
      if (breaker.closed) return watched(work)
      // Half open, and nobody tries yet. Whoever fires first is the one.
      if (breaker.pendingClose) return breaker.fire(() => work('trying')) as Promise<Answer>
      throw new CircuitOpen()
    },
    state: () => forced ?? own(),
    forced: () => forced,
    /** null: it decides by itself again, beginning with closed. */
    force(next: ForcedState | null): void {
      if (next === forced) return
      forced = next
      renew()
      changed()
    },
    /** It is ill, as somebody knows who sees more than how calls have ended. It closes again as ever. */
    open(): void {
      if (forced === null && breaker.closed) breaker.open()
    },
    /** opossum keeps timers. */
    stop: () => breaker.shutdown(),
  }
}

const optionsOf = ({ verdictOf, leastCalls, illPercent, windowMs, openMs }: Deps): CircuitBreaker.Options => ({
  timeout: false,
  errorFilter: (error) => verdictOf(error) === 'well',
  errorThresholdPercentage: illPercent,
  volumeThreshold: leastCalls,
  rollingCountTimeout: windowMs,
  rollingCountBuckets: WINDOW_BUCKETS,
  resetTimeout: openMs,
  // 7 ms a failure with many samples, and nobody reads them, nor snapshots.
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
})
