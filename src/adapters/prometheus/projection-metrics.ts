import type { FeedObserver } from '../../ports/feed-observer.ts'
import {
  counter,
  gauge,
  histogram,
  type MetricRegistry,
  measuredCounter,
  measuredCounters,
  measuredGauge,
} from './families.ts'

const MS_A_SECOND = 1_000
/** From a change that is handled at once to the 30 s after which reads no longer take Redis at its word, and an hour. */
const STALENESS_BUCKETS_SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600]

/** How old what is shown may be. While it is not known, it grows from the process's start. */
export function lagMetrics(registry: MetricRegistry, ageMs: () => number): void {
  const startedAtMs = performance.now()
  measuredGauge(
    registry,
    {
      name: 'users_projection_lag_seconds',
      help: 'What was committed longer ago than this is shown; while nobody knows, the time since the process began.',
      together: 'max',
    },
    () => {
      const age = ageMs()
      return (Number.isFinite(age) ? age : performance.now() - startedAtMs) / MS_A_SECOND
    },
  )
}

/** What a projecting worker does. */
export function feedMetrics(registry: MetricRegistry): FeedObserver {
  const staleness = histogram(registry, {
    name: 'users_change_staleness_seconds',
    help: 'How long after it was committed each change had been handled, by the database’s clock.',
    labels: {},
    buckets: STALENESS_BUCKETS_SECONDS,
  })
  let [handled, batches] = [0, 0]
  const plain = (name: string, help: string, value: () => number) => measuredCounter(registry, { name, help }, value)
  plain('users_changes_handled_total', 'Changes that have been handled.', () => handled)
  plain('users_change_batches_total', 'Batches of changes that went through.', () => batches)
  const happened = (['retried', 'parked', 'unknown', 'claims-lost'] as const).map((event) => ({ event }))
  const counts = new Map<string, number>()
  measuredCounters(
    registry,
    {
      name: 'users_change_events_total',
      help: 'Changes that did not simply go through, by what was done: docs/kafka.md, What to watch.',
      series: happened,
    },
    (add) => {
      for (const { event } of happened) add({ event }, counts.get(event) ?? 0)
    },
  )
  const count = (event: (typeof happened)[number]['event']) => (changes: number) =>
    void counts.set(event, (counts.get(event) ?? 0) + changes)
  const pauses = counter(registry, {
    name: 'users_change_outages_total',
    help: 'Times that no change went through, and all waited.',
    labels: {},
  })
  const waiting = gauge(registry, {
    name: 'users_changes_waiting',
    help: 'Messages of changes that the consumer group has not done, as this worker saw it last.',
    labels: {},
  })
  return {
    handled(stalenessMs) {
      handled += stalenessMs.length
      batches += 1
      for (const ms of stalenessMs) if (Number.isFinite(ms)) staleness({}, ms / MS_A_SECOND)
    },
    retried: count('retried'),
    parked: count('parked'),
    unknown: count('unknown'),
    claimsLost: count('claims-lost'),
    waited: () => pauses({}),
    waiting: (messages) => waiting({}, messages),
  }
}
