import { MICROSERVICES, type MicroserviceName } from '../../src/domain/neighbours.ts'
import { percentile, type Spread, spread } from '../statistics.ts'
import { HEALTHY_MS, type Measured } from './measure.ts'
import type { Sample, Verdict } from './open-load.ts'
import type { Phase } from './phases.ts'

/** Further attempts are a tenth of the calls at most; more would be a storm. */
export const MOST_REQUESTS_A_CALL = 1.1
/** How a call ends that was not let through. */
const NOT_LET_THROUGH = ['circuit-open', 'overloaded', 'not-configured']

export type Seen = {
  /** By status; 0: no answer. */
  statuses: Map<number, number>
  shares: Record<Verdict, number>
  p50Ms: number
  p99Ms: number
}
/** Of both neighbours together, but for the worst. */
export type Reached = { calls: number; letThrough: number; requests: number; requestsAProfile: number }

export function seenIn(samples: Sample[]): Seen {
  const tookMs = sortedTimes(samples)
  const share = (wanted: Verdict) => samples.filter(({ verdict }) => verdict === wanted).length / samples.length
  return {
    statuses: counts(samples.map(({ status }) => status)),
    shares: {
      whole: share('whole'),
      'last-known': share('last-known'),
      without: share('without'),
      error: share('error'),
    },
    p50Ms: percentile(tookMs, 50),
    p99Ms: percentile(tookMs, 99),
  }
}

export function reachedIn(phase: Phase): Reached {
  const sum = (of: (neighbour: MicroserviceName) => number) => MICROSERVICES.reduce((all, one) => all + of(one), 0)
  const requests = sum((neighbour) => requestsIn(phase, neighbour))
  return {
    calls: sum((neighbour) => total(phase.counted[neighbour].calls)),
    letThrough: sum((neighbour) => letThroughIn(phase, neighbour)),
    requests,
    requestsAProfile: requests / phase.profiles.length,
  }
}

/** Of the neighbour for which it is more. 0: nobody was asked. */
export function requestsACall(phase: Phase): number {
  const of = (neighbour: MicroserviceName) => requestsIn(phase, neighbour) / Math.max(1, letThroughIn(phase, neighbour))
  return Math.max(...MICROSERVICES.map(of))
}

/** What arrived; or was sent, where it is more: nobody is there for it to arrive at. */
function requestsIn({ arrived, counted }: Phase, neighbour: MicroserviceName): number {
  return Math.max(arrived[neighbour].requests, counted[neighbour].requests)
}

/**
 * As the neighbour tells them apart, by request id and path: a call that waited in vain for its turn is none. Where nothing
 * arrives, as the service counts them by how they ended.
 */
function letThroughIn({ arrived, counted }: Phase, neighbour: MicroserviceName): number {
  const { calls, requests } = arrived[neighbour]
  if (requests > 0) return calls
  const ended = Object.entries(counted[neighbour].calls).filter(([outcome]) => !NOT_LET_THROUGH.includes(outcome))
  return total(Object.fromEntries(ended))
}

/** The hot GET's p99 in slices as long as the phase before the fault is. */
export function hotP99(phase: Phase): Spread {
  const from = Math.min(...phase.hot.map(({ dueAtMs }) => dueAtMs))
  const slices = Map.groupBy(phase.hot, ({ dueAtMs }) => Math.floor((dueAtMs - from) / HEALTHY_MS))
  const whole = [...slices.values()].filter(({ length }) => length > (slices.get(0)?.length ?? 0) / 2)
  return spread(whole.map((samples) => percentile(sortedTimes(samples), 99)))
}

/** What `degraded` says, the most frequent first, as shares of the answers. */
export function reasonsIn(samples: Sample[]): [reason: string, share: number][] {
  return [...counts(samples.flatMap(({ reasons }) => reasons))]
    .map(([reason, count]): [string, number] => [reason, count / samples.length])
    .toSorted(([, one], [, other]) => other - one)
}

/** How late the generator was itself. */
export function lateP99(measured: Measured[]): number {
  const late = measured.flatMap(({ before, during }) => [before, during].flatMap(({ hot }) => hot.map((s) => s.lateMs)))
  return percentile(
    late.sort((one, other) => one - other),
    99,
  )
}

const total = (some: Record<string, number>): number => Object.values(some).reduce((sum, count) => sum + count, 0)
const sortedTimes = (samples: Sample[]) => Float64Array.from(samples, ({ tookMs }) => tookMs).sort()

function counts<Value>(values: Value[]): Map<Value, number> {
  const found = new Map<Value, number>()
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1)
  return found
}
