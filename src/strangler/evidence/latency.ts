/** Upper bounds, each at most a half above the one before from 1 ms on; beyond the last there is one bucket more. */
export const LATENCY_BUCKETS_MS = [
  ...[0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700],
  ...[1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000],
] as const

/** In which bucket a time is counted: 0 … LATENCY_BUCKETS_MS.length. */
export function bucketIndex(ms: number): number {
  const index = LATENCY_BUCKETS_MS.findIndex((bound) => ms <= bound)
  return index < 0 ? LATENCY_BUCKETS_MS.length : index
}

/**
 * The bound within which `percent` of what was counted lies, ms: errs upward, by less than a bucket. 0 of nothing; the
 * last bound when it lies beyond that.
 */
export function percentile(buckets: readonly number[], percent: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0)
  if (total === 0) return 0
  const wanted = Math.max(1, Math.ceil((total * percent) / 100))
  let seen = 0
  const index = buckets.findIndex((count) => {
    seen += count
    return seen >= wanted
  })
  return LATENCY_BUCKETS_MS[index] ?? LATENCY_BUCKETS_MS.at(-1) ?? 0
}
