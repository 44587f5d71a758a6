import type { Clock } from '../../src/projections/foreign/waiter.ts'

export type ManualClock = Clock & {
  /** Lets time pass, and calls whom it is time for, in their order. */
  advance(ms: number): void
  /** Calls that are neither made nor called off. */
  pending(): number
}

export function manualClock(): ManualClock {
  const timers = new Set<{ at: number; call: () => void }>()
  let now = 1_000
  const nextBefore = (end: number) => [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
  return {
    now: () => now,
    after(ms, call) {
      const timer = { at: now + ms, call }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const end = now + ms
      for (let timer = nextBefore(end); timer; timer = nextBefore(end)) {
        timers.delete(timer)
        now = timer.at
        timer.call()
      }
      now = end
    },
    pending: () => timers.size,
  }
}
