export type Spread = { median: number; min: number; max: number }

/** Nearest rank: the least of `sorted` (ascending) that is no less than `percent` of them. NaN when there are none. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

/** An even number of values has two in the middle; their mean is taken. */
export function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return { median: (lower + upper) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN }
}

/** Each value over the one of the same round: what slows a round down slows both. */
export function ratios(values: number[], bases: number[]): number[] {
  return values.map((value, round) => value / (bases[round] ?? Number.NaN))
}
