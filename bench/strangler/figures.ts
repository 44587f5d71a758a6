import type { Sample } from '../resilience/open-load.ts'
import { percentile, ratios, type Spread, spread } from '../statistics.ts'

const OK = 200

/**
 * Samples by the phase in which they were due. What was under way when an ill phase began is a part of that one: it is
 * there that it fails. Left out: what was due before the first, or after the last.
 */
export function byPhase(samples: Sample[], phases: { atMs: number; isIll: boolean }[], untilMs: number): Sample[][] {
  const found = phases.map((): Sample[] => [])
  for (const sample of samples) {
    const { dueAtMs, tookMs } = sample
    const due = phases.findLastIndex(({ atMs }) => dueAtMs >= atMs)
    const next = phases[due + 1]
    const isCaught = due >= 0 && next?.isIll === true && dueAtMs + tookMs >= next.atMs
    if (dueAtMs < untilMs) found[isCaught ? due + 1 : due]?.push(sample)
  }
  return found
}

/** Of one load in one phase. Times count from when a request was due. */
export type Seen = {
  /** By status, in ascending order; 0: no answer. */
  statuses: [status: number, count: number][]
  p50Ms: number
  p99Ms: number
  failures: number
}

export function seenIn(samples: Sample[]): Seen {
  const all = sortedTimes(samples)
  const counts = new Map<number, number>()
  for (const { status } of samples) counts.set(status, (counts.get(status) ?? 0) + 1)
  return {
    statuses: [...counts].toSorted(([one], [other]) => one - other),
    p50Ms: percentile(all, 50),
    p99Ms: percentile(all, 99),
    failures: samples.filter((one) => !isWell(one)).length,
  }
}

/** How long failures took; NaN where there are none. */
export type FailureTimes = { p50Ms: number; p99Ms: number }

/** Of those that were due before the breaker had opened, and of those that were due later. `openedAtMs` null: never. */
export function failureTimesIn(samples: Sample[], openedAtMs: number | null): Record<'before' | 'after', FailureTimes> {
  const failed = samples.filter((one) => !isWell(one))
  const isBefore = ({ dueAtMs }: Sample) => openedAtMs === null || dueAtMs < openedAtMs
  const timesOf = (some: Sample[]): FailureTimes => {
    const sorted = sortedTimes(some)
    return { p50Ms: percentile(sorted, 50), p99Ms: percentile(sorted, 99) }
  }
  return { before: timesOf(failed.filter(isBefore)), after: timesOf(failed.filter((one) => !isBefore(one))) }
}

/** How soon all was well, counted from `changedAtMs`. */
export type Recovery = {
  /** Until the first success came; null: none did. */
  firstSuccessMs: number | null
  /** Until the last failure came; 0: there was none; null: the last of all has failed. */
  lastFailureMs: number | null
}

/** `samples`: due since the change. */
export function recoveryIn(samples: Sample[], changedAtMs: number): Recovery {
  const cameAfterMs = ({ dueAtMs, tookMs }: Sample) => dueAtMs + tookMs - changedAtMs
  const successes = samples.filter(isWell).map(cameAfterMs)
  const failures = samples.filter((one) => !isWell(one)).map(cameAfterMs)
  const last = samples.toSorted((one, other) => one.dueAtMs - other.dueAtMs).at(-1)
  return {
    firstSuccessMs: successes.length === 0 ? null : Math.min(...successes),
    lastFailureMs: last === undefined || !isWell(last) ? null : Math.max(0, ...failures),
  }
}

function isWell({ status, verdict }: Sample): boolean {
  return status === OK && verdict !== 'error'
}

function sortedTimes(samples: Sample[]): number[] {
  return samples.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
}

/** How much more than the base of the same round. */
export function added(values: number[], bases: number[]): Spread {
  return spread(values.map((value, round) => value - (bases[round] ?? Number.NaN)))
}

/** Over the base of the same round. */
export function times(values: number[], bases: number[]): Spread {
  return spread(ratios(values, bases))
}

/**
 * What one sample costs, from the CPU time of a request with and without samples. `samplesARequest`: 0 to 1, in the round.
 */
export function aSample(withUs: number[], withoutUs: number[], samplesARequest: number[]): Spread {
  return spread(
    withUs.map((us, round) => (us - (withoutUs[round] ?? Number.NaN)) / (samplesARequest[round] ?? Number.NaN)),
  )
}

/** A difference: nothing is not less than nothing. */
export function signed(value: number): string {
  const text = value.toFixed(2)
  if (Number(text) === 0) return '0.00'
  return value > 0 ? `+${text}` : text
}
