import type { Comparison, ComparisonRules } from '../../ports/strangler.ts'
import { compare, type Difference, MAX_DIFFERENCES } from './compare.ts'
import { type Answered, differencesOf, type Ours, ours, type Sides, theirs } from './sides.ts'

/** `why`: of `failed`. */
export type Conclusion = { outcome: Exclude<Comparison, 'dropped'>; differences: Difference[]; why?: string }

/** So much of what two answers differ in is looked at, to tell what is different from what always is. */
const MAX_LOOKED_AT = 2_000

/**
 * What the first answers of both sides to the same question, one soon after the other, say of us. Where they differ both
 * are asked again, the legacy application first, and only what stands is held against us:
 *
 * - What it answers otherwise each time is `noise`. Where both agree now, somebody wrote between the first two: `race`.
 * - What it writes reaches our copies a little later; until then we rightly answer what was true before. So we are asked
 *   once more after they have caught up. If our version has not moved from the first time to the last, the legacy
 *   application, which was asked in between, had that very version before it, and what differs is a `mismatch`. If it has
 *   moved, nothing can be said: `race`. It is not tried for ever: whom nobody writes just now shows the same difference.
 *
 * Without a version our answers themselves tell whether it has moved.
 */
export async function concluded(first: Answered, sides: Sides, signal: AbortSignal): Promise<Conclusion> {
  const { rules } = sides
  if (differencesOf(first, rules).length === 0) return plainly('equal')
  const legacy = await theirs(sides, signal)
  const second = { legacy, native: await ours(sides, signal) }
  const noise = compare(first.legacy, legacy, rules, MAX_LOOKED_AT)
  const places = new Set(noise.map(({ at }) => at))
  const moved = (later: Ours) => hasMoved(first.native, later, { rules, places })

  if (isOurFault(first.native) !== isOurFault(second.native)) return failed('we do not always answer')
  const differing = differencesOf(second, rules, MAX_LOOKED_AT)
  if (differing.length === 0 || moved(second.native)) return plainly('race')
  // Another status is another answer: nothing in it can be told from what always differs.
  const isAllNoise = noise.length >= MAX_LOOKED_AT || places.has('status')
  if (isAllNoise || without(differing, places).length === 0) return { outcome: 'noise', differences: distinct(noise) }

  await sides.settle(signal)
  const last = await ours(sides, signal)
  if (isOurFault(last) !== isOurFault(second.native)) return failed('we do not always answer')
  const standing = without(differencesOf({ legacy, native: last }, rules, MAX_LOOKED_AT), places)
  if (standing.length === 0 || moved(last)) return plainly('race')
  return { outcome: 'mismatch', differences: distinct(standing) }
}

export const failed = (why: string): Conclusion => ({ outcome: 'failed', differences: [], why })
const plainly = (outcome: 'equal' | 'race'): Conclusion => ({ outcome, differences: [] })
const isOurFault = ({ error }: Ours): boolean => error !== null

type Known = { rules: ComparisonRules; places: ReadonlySet<string> }

function hasMoved(earlier: Ours, later: Ours, { rules, places }: Known): boolean {
  if (earlier.error !== null || later.error !== null) return false
  if (earlier.version !== null || later.version !== null) return earlier.version !== later.version
  return without(compare(earlier.comparable, later.comparable, rules, MAX_LOOKED_AT), places).length > 0
}

/** Those that are neither at one of these places nor beneath it. */
function without(differences: Difference[], places: ReadonlySet<string>): Difference[] {
  if (places.size === 0) return differences
  return differences.filter(({ at }) => {
    for (let place: string | null = at; place !== null; place = above(place)) {
      if (places.has(place)) return false
    }
    return true
  })
}

/** Only what is within a body is beneath anything. */
function above(place: string): string | null {
  return place.startsWith('/') ? place.slice(0, place.lastIndexOf('/')) : null
}

/** One of each path, and not too many: what is the same for many elements is one thing to people. */
function distinct(differences: Difference[]): Difference[] {
  const byPath = new Map<string, Difference>()
  for (const difference of differences) {
    if (!byPath.has(difference.path)) byPath.set(difference.path, difference)
  }
  return [...byPath.values()].slice(0, MAX_DIFFERENCES)
}
