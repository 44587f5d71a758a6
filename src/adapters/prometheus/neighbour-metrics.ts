import { NEIGHBOURS } from '../../domain/neighbours.ts'
import type { BreakerState, NeighbourObserver, NoAnswer } from '../../ports/neighbours.ts'
import { counter, gauge, histogram, type MetricRegistry } from './families.ts'

const MS_A_SECOND = 1_000

/**
 * 1, 2, 5 and so on from a millisecond, faster than which nobody across a network answers, to two seconds, several times
 * the longest call as it is set by default: a quantile is off by a factor of 2.5 at most. 0.2 and 0.5 are by default the
 * longest attempt and the longest profile.
 */
const CALL_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]

/** As tables, so that a new one without its series does not compile. */
const OUTCOMES = keys({
  answered: 0,
  timeout: 0,
  unreachable: 0,
  unavailable: 0,
  'wrong-answer': 0,
  refused: 0,
  'circuit-open': 0,
  overloaded: 0,
  cancelled: 0,
  'not-configured': 0,
} satisfies Record<'answered' | NoAnswer, 0>)
const STATES = keys({ closed: 0, 'half-open': 0, open: 0 } satisfies Record<BreakerState, 0>)

/** The calls of other services. */
export function neighbourMetrics(registry: MetricRegistry): NeighbourObserver {
  const calls = histogram(registry, {
    name: 'users_neighbour_call_duration_seconds',
    help: 'How long calls of another service took, waiting and further attempts among that, by how they ended.',
    labels: { neighbour: NEIGHBOURS, outcome: OUTCOMES },
    buckets: CALL_BUCKETS_SECONDS,
  })
  const requests = counter(registry, {
    name: 'users_neighbour_requests_total',
    help: 'Requests to another service that were tried, further attempts of a call among them.',
    labels: { neighbour: NEIGHBOURS },
  })
  const breakers = gauge(registry, {
    name: 'users_neighbour_breaker_state',
    help: 'The breaker in front of another service: 1 for the state that it is in.',
    labels: { neighbour: NEIGHBOURS, state: STATES },
  })
  return {
    ended: (neighbour, outcome, ms) => calls({ neighbour, outcome }, ms / MS_A_SECOND),
    attempted: (neighbour) => requests({ neighbour }),
    changed(neighbour, state) {
      for (const one of STATES) breakers({ neighbour, state: one }, one === state ? 1 : 0)
    },
  }
}

function keys<Key extends string>(table: Record<Key, 0>): Key[] {
  return Object.keys(table) as Key[]
}
