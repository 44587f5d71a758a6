import { CAUSES } from './causes.ts'
import { greatestShare, ninesOf } from './nines.ts'
import { classLimitMs, FEED_EVENTS, type FeedEvent, HOUR_MS, type Walk, WINDOW_HOURS } from './tally.ts'

/**
 * What is known of how right the copies are. `alarm`: Redis is ahead of the database; `unmeasured`: nobody has looked
 * yet. Everything but `walk` and the counts by cause is of the last `windowHours`.
 */
export type ConsistencyReport = {
  state: 'measured' | 'alarm' | 'unmeasured'
  windowHours: number
  /**
   * Users drawn by chance. `share`: of those found in order, as measured; null: none was drawn. `atLeast`: what that
   * supports at 95 % confidence, and `nines` the same as a number of nines. `moving`: differed at first sight only.
   */
  sample: {
    checked: number
    differing: number
    moving: number
    share: number | null
    atLeast: number
    nines: number
    confidence: 0.95
  }
  /** From a change's commit until it was shown; null: no change. */
  staleness: { changes: number; p50Ms: number | null; p99Ms: number | null; maxMs: number | null }
  /** What was committed longer ago than this is in the read models; null: not known, as before the first mark. */
  oldestUnprojectedMs: number | null
  /** So many messages are on their way over Kafka; null: none come that way, or nobody has counted of late. */
  waiting: number | null
  /** What happened to the change feed since this Redis was begun. */
  feed: Record<FeedEvent, number>
  /** By cause: differences found since this Redis was begun, and those of them that have been mended. */
  found: Record<string, number>
  mended: Record<string, number>
  /** The last time that everybody was compared; null: not yet. */
  walk: Walk | null
  /** How long ago users were last drawn, and everybody was last compared; null: not yet. An auditor that has stopped shows. */
  sinceSampleMs: number | null
  sinceWalkMs: number | null
  /** Partitions in which Redis is ahead of the database. */
  ahead: number[]
}
type Context = {
  now: number
  /** Infinite while it is not known. */
  oldestUnprojectedMs: number
  /** Of a partition. */
  incarnation(index: number): string | null
}

/** `fields`: the tally as Redis holds it. */
export function consistencyReport(fields: Record<string, string>, context: Context): ConsistencyReport {
  const hours = inWindow(fields, context.now)
  const sum = (what: string) => hours.filter(([name]) => name === what).reduce((total, [, value]) => total + value, 0)
  const [checked, differing, moving] = [sum('checked'), sum('differing'), sum('moving')]
  const greatest = greatestShare(differing, checked)
  const ahead = Object.entries(fields)
    .filter(([field, held]) => field.startsWith('alarm:') && held === context.incarnation(Number(field.slice(6))))
    .map(([field]) => Number(field.slice(6)))
  return {
    state: ahead.length > 0 ? 'alarm' : checked === 0 ? 'unmeasured' : 'measured',
    windowHours: WINDOW_HOURS,
    sample: {
      checked,
      differing,
      moving,
      share: checked === 0 ? null : (checked - differing) / checked,
      atLeast: 1 - greatest,
      nines: ninesOf(greatest),
      confidence: 0.95,
    },
    staleness: stalenessOf(hours),
    oldestUnprojectedMs: Number.isFinite(context.oldestUnprojectedMs) ? context.oldestUnprojectedMs : null,
    waiting: waitingOf(fields, context.now),
    feed: countsOf(fields, 'feed', FEED_EVENTS),
    found: countsOf(fields, 'found', CAUSES),
    mended: countsOf(fields, 'mended', CAUSES),
    walk: walkOf(fields),
    sinceSampleMs: sinceMs(fields['sampled:at'], context.now),
    sinceWalkMs: sinceMs(walkOf(fields)?.endedAt, context.now),
    ahead,
  }
}

type Figure = [what: string, value: number]

/** The figures of the hours that count. */
function inWindow(fields: Record<string, string>, now: number): Figure[] {
  const first = Math.floor(now / HOUR_MS) - WINDOW_HOURS + 1
  return Object.entries(fields).flatMap(([field, value]): Figure[] => {
    const [, hour, what] = /^h:(\d+):(.+)$/.exec(field) ?? []
    return what !== undefined && Number(hour) >= first ? [[what, Number(value)]] : []
  })
}

function stalenessOf(hours: Figure[]): ConsistencyReport['staleness'] {
  const classes = hours
    .filter(([what]) => what.startsWith('stale:'))
    .map(([what, count]) => ({ index: Number(what.slice(6)), count }))
    .sort((a, b) => a.index - b.index)
  const changes = classes.reduce((total, { count }) => total + count, 0)
  if (changes === 0) return { changes, p50Ms: null, p99Ms: null, maxMs: null }
  const maxMs = Math.max(...hours.filter(([what]) => what === 'stalest').map(([, value]) => value))
  const percentile = (share: number) => {
    let passed = 0
    const reached = classes.find(({ count }) => {
      passed += count
      return passed >= share * changes
    })
    return Math.min(maxMs, classLimitMs(reached?.index ?? 0))
  }
  return { changes, p50Ms: percentile(0.5), p99Ms: percentile(0.99), maxMs }
}

function countsOf<Name extends string>(fields: Record<string, string>, kind: string, names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, Number(fields[`${kind}:${name}`] ?? 0)])) as Record<Name, number>
}

/** What was counted longer ago says nothing of now. */
const MAX_WAITING_AGE_MS = 60_000

function waitingOf({ waiting }: Record<string, string>, now: number): number | null {
  const [count, at] = (waiting ?? '').split(' ').map(Number)
  return count === undefined || at === undefined || now - at > MAX_WAITING_AGE_MS ? null : count
}

function walkOf({ walk }: Record<string, string>): Walk | null {
  try {
    return walk === undefined ? null : (JSON.parse(walk) as Walk)
  } catch {
    return null
  }
}

/** `at`: an ISO 8601 time, by the clock of the process that wrote it. */
function sinceMs(at: string | undefined, now: number): number | null {
  const ms = now - Date.parse(at ?? '')
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
