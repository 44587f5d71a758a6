import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import type { Cause } from './causes.ts'

const TALLY = lua(import.meta.url, 'tally-1')
export const HOUR_MS = 3_600_000
/** How far back figures reach. */
export const WINDOW_HOURS = 24
/** Staleness is counted in classes, each reaching a tenth further than the one before. */
export const CLASS_RATIO = 1.1
const FLUSH_EVERY_MS = 2_000

export const FEED_EVENTS = ['retried', 'parked', 'unknown', 'waited', 'claimsLost'] as const
export type FeedEvent = (typeof FEED_EVENTS)[number]
/** `moving`: differed at first sight and was right soon after, work in flight. */
export type Examination = { checked: number; differing: number; moving: number }
export type Walk = Examination & { endedAt: string; ms: number }
export type Tally = ReturnType<typeof consistencyTally>
type Deps = { redis: Pick<ReadModelRedis, 'run' | 'hgetall'>; keys: Keys; log: Log; now?: () => number }

/**
 * What the auditor has found and how old changes were when they were shown, for all processes together, in Redis: it
 * outlives processes, and is gone with what it was measured on.
 */
export function consistencyTally({ redis, keys, log, now = Date.now }: Deps) {
  const hour = () => Math.floor(now() / HOUR_MS)
  const write = async (triples: (string | number)[][]): Promise<void> => {
    const since = ['since', '', hour() - WINDOW_HOURS + 1]
    await redis.run(TALLY, [keys.tally], [...triples, since].flat())
  }
  const staleness = stalenessClasses()
  const counts = new Map<FeedEvent, number>()
  let waitingNow: number | null = null
  const flush = async () => {
    const lag = waitingNow === null ? [] : [['set', 'waiting', `${waitingNow} ${now()}`]]
    waitingNow = null
    const { classes, maxMs } = staleness.take()
    const events = [...counts].map(([event, count]) => ['add', `feed:${event}`, count])
    counts.clear()
    const at = `h:${hour()}`
    const ages = [...classes].map(([index, count]) => ['add', `${at}:stale:${index}`, count])
    if (ages.length > 0) ages.push(['max', `${at}:stalest`, maxMs])
    if (ages.length + events.length + lag.length > 0) await write([...ages, ...events, ...lag])
  }
  const flushQuietly = () =>
    flush().catch((error) => log.debug({ reason: String(error) }, 'what the feed does could not be counted'))
  const timer = setInterval(flushQuietly, FLUSH_EVERY_MS)
  timer.unref()

  return {
    /** How long after it was written each change was shown. In passing: it is written down now and then. */
    handled: staleness.add,
    /** What the change feed does, in passing as well. */
    counted:
      (event: FeedEvent) =>
      (count: number): void =>
        void counts.set(event, (counts.get(event) ?? 0) + count),
    /** So many changes are on their way to be handled: as somebody saw it last. */
    waiting: (changes: number): void => {
      waitingNow = changes
    },
    sampled: ({ checked, differing, moving }: Examination) =>
      write([
        ['add', `h:${hour()}:checked`, checked],
        ['add', `h:${hour()}:differing`, differing],
        ['add', `h:${hour()}:moving`, moving],
        ['set', 'sampled:at', new Date(now()).toISOString()],
      ]),
    found: (causes: Cause[]) => write(causes.map((cause) => ['add', `found:${cause}`, 1])),
    mended: (causes: Cause[]) => write(causes.map((cause) => ['add', `mended:${cause}`, 1])),
    /** Of keys that held what nobody here writes, so many were dropped. */
    dropped: (keys: number) =>
      write([
        ['add', 'found:unreadable', keys],
        ['add', 'mended:unreadable', keys],
      ]),
    walked: (walk: Walk) => write([['set', 'walk', JSON.stringify(walk)]]),
    alarm: (partition: number, incarnation: string) => write([['set', `alarm:${partition}`, incarnation]]),
    noAlarm: (partition: number) => write([['drop', `alarm:${partition}`, '']]),
    /** Times and places that jobs keep between runs. */
    remember: (what: string, value: string | number) => write([['set', what, value]]),
    read: (): Promise<Record<string, string>> => redis.hgetall(keys.tally),
    async stop(): Promise<void> {
      clearInterval(timer)
      await flushQuietly()
    },
  }
}

function stalenessClasses() {
  let classes = new Map<number, number>()
  let maxMs = 0
  return {
    add(stalenessMs: number[]): void {
      for (const ms of stalenessMs) {
        const index = classOf(ms)
        classes.set(index, (classes.get(index) ?? 0) + 1)
        maxMs = Math.max(maxMs, ms)
      }
    },
    take() {
      const taken = { classes, maxMs }
      classes = new Map()
      maxMs = 0
      return taken
    },
  }
}

export function classOf(ms: number): number {
  return Math.ceil(Math.log(Math.max(1, ms)) / Math.log(CLASS_RATIO))
}

/** The longest staleness that a class holds, ms. */
export function classLimitMs(index: number): number {
  return Math.ceil(CLASS_RATIO ** index)
}
