import { clockTicksPerSecond, treeCpuTicks } from '../../../bench/proc.ts'
import { percentile } from '../../../bench/statistics.ts'
import type { Tallies, Tally } from './traffic.ts'

export const requestsOf = (tallies: Tallies): number => sumOf(tallies, (tally) => tally.requests)
export const failuresOf = (tallies: Tallies): number => sumOf(tallies, (tally) => tally.failed)
const sumOf = (tallies: Tallies, of: (tally: Tally) => number): number =>
  [...tallies.values()].reduce((sum, { legacy, native }) => sum + of(legacy) + of(native), 0)

/** Milliseconds, of all answers of this side or both. */
export function milliseconds(tallies: Tallies, percent: number, sides: ('legacy' | 'native')[]): string {
  const all = [...tallies.values()].flatMap((tally) => sides.flatMap((by) => tally[by].ms))
  return text(percentile(sorted(all), percent))
}

/** One line a route: who answered how much, and how fast. */
export function table(tallies: Tallies): string[] {
  const head = ['', 'legacy', 'p50 ms', 'p99 ms', 'native', 'p50 ms', 'p99 ms', 'failed']
  const rows = [...tallies].map(([route, { legacy, native }]) => [
    route,
    ...[legacy, native].flatMap(({ requests, ms }) => [
      String(requests),
      ...[50, 99].map((percent) => (requests === 0 ? '' : text(percentile(sorted(ms), percent)))),
    ]),
    String(legacy.failed + native.failed),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)))
  return [head, ...rows].map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  )
}

const sorted = (values: number[]) => values.toSorted((a, b) => a - b)
const text = (ms: number): string => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0))

/** CPU milliseconds that a process and its children have used since the last time. */
export function cpuMeter(pid: number): () => number {
  const perTickMs = 1_000 / clockTicksPerSecond()
  let last = treeCpuTicks(pid)
  return () => {
    const before = last
    last = treeCpuTicks(pid)
    return (last - before) * perTickMs
  }
}
