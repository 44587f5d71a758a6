import { spread } from '../../bench/statistics.ts'

/** One measure of one process; `atS`: seconds since the load began. */
export type Series = { who: string; what: Measure; points: { atS: number; value: number }[] }
export type Flatness = Series & { first: number; last: number; slopeAnHour: number; flat: boolean | null }

const MIB = 2 ** 20
/**
 * By how much each may have grown from the first third to the last: the larger of a share and an amount. A collector that
 * has time leaves garbage lying, so memory is never quite the same twice. Null: it is shown, and not judged.
 */
export const LIMITS = {
  'RSS MiB': { share: 0.1, amount: 16, unit: MIB },
  'heap used MiB': { share: 0.15, amount: 12, unit: MIB },
  'open files': { share: 0, amount: 8, unit: 1 },
  'active handles': { share: 0, amount: 8, unit: 1 },
  'memory MiB': { share: 0.05, amount: 2, unit: MIB },
  connections: { share: 0, amount: 4, unit: 1 },
  'WAL MiB': { share: 0.5, amount: 8, unit: MIB },
  'loop delay p99 ms': null,
  'CPU %': null,
} as const
export type Measure = keyof typeof LIMITS

/** Heaps grow, caches fill and code is compiled at first: so much of the run is not looked at. */
const WARM_UP = 1 / 6
const S_AN_HOUR = 3_600

/**
 * Whether something stays as it is: not if the median of the last third is above that of the first by more than the limit,
 * and the slope (Theil–Sen: the median of the slopes between all pairs, which single peaks do not move) says so as well.
 */
export function flatness(series: Series): Flatness {
  const { points, what } = series
  const untilS = points.at(-1)?.atS ?? 0
  const fromS = (points[0]?.atS ?? 0) + WARM_UP * (untilS - (points[0]?.atS ?? 0))
  const looked = points.filter(({ atS }) => atS >= fromS)
  const third = (untilS - fromS) / 3
  const first = median(looked.filter(({ atS }) => atS <= fromS + third))
  const last = median(looked.filter(({ atS }) => atS >= untilS - third))
  const slope = theilSen(looked)
  const limit = LIMITS[what]
  const allowed = limit === null ? Number.POSITIVE_INFINITY : Math.max(limit.share * first, limit.amount)
  // A line's thirds lie two thirds of its rise apart.
  const grew = last - first > allowed && (slope * (untilS - fromS) * 2) / 3 > allowed
  return {
    ...series,
    first,
    last,
    slopeAnHour: slope * S_AN_HOUR,
    flat: limit === null ? null : looked.length > 0 && !grew,
  }
}

const median = (points: Series['points']): number => spread(points.map(({ value }) => value)).median

function theilSen(points: Series['points']): number {
  const slopes = points.flatMap((a, i) => points.slice(i + 1).map((b) => (b.value - a.value) / (b.atS - a.atS)))
  return slopes.length === 0 ? 0 : spread(slopes).median
}
