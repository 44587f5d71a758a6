import type { FaultSpan, Timeline } from './timeline.ts'

/** Shorter silences are pauses between the questions, not of the service. */
const LEAST_GAP_MS = 50

export type Availability = ReturnType<typeof availability>

/** When each API last gave an answer that was one, and the silences in between. */
export function availability() {
  const lastMs = new Map<string, number>()
  const gaps: { api: string; fromMs: number; toMs: number }[] = []
  return {
    answered(api: string, atMs: number): void {
      const before = lastMs.get(api) ?? atMs
      if (atMs - before > LEAST_GAP_MS) gaps.push({ api, fromMs: before, toMs: atMs })
      lastMs.set(api, Math.max(before, atMs))
    },
    /** The longest time without an answer of an API process that was not itself killed or stopped. */
    longestGapMs({ fromMs, toMs }: FaultSpan, { downMs }: Pick<Timeline, 'downMs'>): number {
      const during = gaps.filter((gap) => gap.fromMs <= (toMs ?? gap.fromMs) && gap.toMs >= fromMs)
      return Math.max(0, ...during.map((gap) => gap.toMs - gap.fromMs - downMs(gap.api, gap.fromMs, gap.toMs)))
    },
  }
}
