import { GROUP_SIZES } from '../sql/claiming.ts'
import type { Entry, Track } from './track.ts'

/** Changes that are handled together at most; many of one person are one read. */
const MAX_ENTRIES = 5_000

/** `isAll` false: others are free as well. */
export type Chosen = { entries: Entry[]; isAll: boolean }

/** Of what is free now: what was set aside and is due, or what is fresh; one first and then the other. */
export function choose(tracks: Track[], nowMs: number, asideFirst: boolean): Chosen {
  const states = asideFirst ? (['aside', 'fresh'] as const) : (['fresh', 'aside'] as const)
  for (const state of states) {
    const chosen = chooseOf(tracks, (entry) => entry.state === state && entry.freeAtMs <= nowMs)
    if (chosen.entries.length > 0) return chosen
  }
  return { entries: [], isAll: true }
}

function chooseOf(tracks: Track[], isFree: (entry: Entry) => boolean): Chosen {
  const entries: Entry[] = []
  const entities = new Set<string>()
  let tries: number | null = null
  for (const track of tracks) {
    for (const entry of track.entries.values()) {
      if (!isFree(entry)) continue
      tries ??= triesOf(entry)
      const key = entityOf(entry)
      const isFull = !entities.has(key) && entities.size >= (GROUP_SIZES[tries] ?? 1)
      if (triesOf(entry) !== tries || isFull || entries.length >= MAX_ENTRIES) return { entries, isAll: false }
      entities.add(key)
      entries.push(entry)
    }
  }
  return { entries, isAll: true }
}

const triesOf = ({ attempts, takeovers }: Entry): number => attempts + takeovers
const entityOf = ({ change: { entity, entityId } }: Entry): string => `${entity} ${entityId}`
