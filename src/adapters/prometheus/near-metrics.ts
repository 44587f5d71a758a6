import { type MetricRegistry, measuredCounter, measuredGauge } from './families.ts'

type Figures = {
  entries: number
  bytes: number
  hits: number
  misses: number
  kept: number
  invalidated: number
  resets: number
}

/** What this process holds in its own memory. */
export function nearMetrics(registry: MetricRegistry, figures: () => Figures): void {
  const counted = (name: string, help: string, value: (of: Figures) => number) =>
    measuredCounter(registry, { name, help }, () => value(figures()))
  counted('users_near_cache_hits_total', 'Users that were found in this process’s memory.', ({ hits }) => hits)
  counted('users_near_cache_misses_total', 'Users that had to be asked of Redis.', ({ misses }) => misses)
  counted('users_near_cache_kept_total', 'Users that were read from Redis and kept.', ({ kept }) => kept)
  counted(
    'users_near_cache_invalidations_total',
    'Changes of users that this process was told of, also of those that it did not hold.',
    ({ invalidated }) => invalidated,
  )
  counted(
    'users_near_cache_resets_total',
    'Times that everything was dropped, because it was not certain that all changes are told.',
    ({ resets }) => resets,
  )
  measuredGauge(registry, { name: 'users_near_cache_entries', help: 'Users in this process’s memory.' }, () => {
    return figures().entries
  })
  measuredGauge(registry, { name: 'users_near_cache_bytes', help: 'Memory that they take.' }, () => figures().bytes)
}
