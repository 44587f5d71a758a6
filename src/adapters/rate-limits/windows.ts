import type { Standing } from '../../ports/rate-limits.ts'

/** Of callers that are remembered at once; one who has come once only, long ago, begins anew first. */
export const MAX_CALLERS = 10_000

/** `cameAgain`: since it was last considered who is to be forgotten. */
type Window = { used: number; endsAtMs: number; cameAgain: boolean }
/** `nowMs`: of a clock that never goes back. */
type Options = { limit: number; windowS: number; nowMs(): number }
export type Windows = {
  /** Counts one more. Null: there is no limit. */
  take(key: string): Standing | null
  /** As `take` would say, without counting it. */
  look(key: string): Standing | null
  /** Takes back one that was counted: somebody else counts it. */
  giveBack(key: string): void
}

/**
 * Counts by key in this process. A window begins with the first request in it and is as long as it was, whatever comes:
 * in the worst case twice the limit within one length. It is what the counters in Redis do, so that both say the same.
 * No promise, no timer and no clean-up: this stands in the way of every read. Nor a list of who was seen last, to be mended at
 * each: a plain map in the order in which windows begin, and a second chance for those who came again.
 */
export function windows({ limit, windowS, nowMs }: Options): Windows {
  if (limit === 0) return { take: () => null, look: () => null, giveBack: () => undefined }
  const windowMs = windowS * 1_000
  const known = new Map<string, Window>()

  const begin = (key: string, now: number): void => {
    known.delete(key)
    // Before the new one is there: else it would be the one to go, where all others have come again, and never be counted.
    for (const [oldest, window] of known) {
      if (known.size < MAX_CALLERS) break
      known.delete(oldest)
      if (!window.cameAgain || window.endsAtMs <= now) continue
      window.cameAgain = false
      known.set(oldest, window)
    }
    known.set(key, { used: 1, endsAtMs: now + windowMs, cameAgain: false })
  }

  const standing = (used: number, leftMs: number): Standing => ({
    allowed: used <= limit,
    limit,
    remaining: used < limit ? limit - used : 0,
    resetS: Math.ceil(leftMs / 1_000),
  })
  return {
    take(key) {
      const now = nowMs()
      const window = known.get(key)
      if (window === undefined || window.endsAtMs <= now) {
        begin(key, now)
        return standing(1, windowMs)
      }
      window.used += 1
      window.cameAgain = true
      return standing(window.used, window.endsAtMs - now)
    },
    look(key) {
      const now = nowMs()
      const window = known.get(key)
      const isOver = window === undefined || window.endsAtMs <= now
      return isOver ? standing(1, windowMs) : standing(window.used + 1, window.endsAtMs - now)
    },
    giveBack(key) {
      const window = known.get(key)
      if (window !== undefined && window.used > 0) window.used -= 1
    },
  }
}
