import type { ReadFrom } from './source.ts'

/** How old an answer read there may be, in milliseconds, as `Read-Age` says it; null when nobody knows. */
export type ReadAge = (from: ReadFrom) => string | null

/** So long one text is said again: working it out for each of a hundred thousand answers a second would cost more. */
const HOLD_MS = 50

/** How far behind the database Redis can be: an upper bound, in milliseconds; not finite while it is not known. */
export type Freshness = { ageMs(): number }
type Deps = { freshness: Freshness; provedAtMs(): number; now?: () => number }

/** What Redis holds is as old as the feed says; what this process holds, older by what it has not been told yet. */
export function readAge({ freshness, provedAtMs, now = () => performance.now() }: Deps): ReadAge {
  const near = heldText(() => freshness.ageMs() + now() - provedAtMs(), now)
  const redis = heldText(freshness.ageMs, now)
  return (from) => (from === 'near' ? near() : from === 'redis' ? redis() : '0')
}

/** The text may be said for a while, and is an upper bound until the end of it. */
function heldText(ageMs: () => number, now: () => number): () => string | null {
  let text: string | null = null
  let goodUntilMs = Number.NEGATIVE_INFINITY
  return () => {
    const atMs = now()
    if (atMs < goodUntilMs) return text
    const age = ageMs()
    text = Number.isFinite(age) ? String(Math.ceil(Math.max(0, age)) + HOLD_MS) : null
    goodUntilMs = atMs + HOLD_MS
    return text
  }
}

/** While nobody can tell. */
export const UNKNOWN_AGE: ReadAge = () => null
