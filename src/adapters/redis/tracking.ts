import type { Redis } from 'ioredis'
import type { InvalidationListener, Invalidations } from '../../ports/invalidations.ts'
import type { Log } from '../../ports.ts'
import { type TrackedMaster, type TrackOneOptions, trackOne } from './tracking-one.ts'

/**
 * A master whose keys are read and cached, by the connection that they are read over. `beatPrefix` begins keys that it
 * may write there: on a cluster with a hash tag whose slot this master serves. No tracked prefix may overlap with it.
 * Null: it serves no slot (yet), so that nothing can be proved, and everything is off while it may be read from: keys of
 * a slot that it is being given are asked of it before the slot table says so.
 */
export type Master = { redis: Redis; beatPrefix: string | null }
export type TrackAllOptions = {
  /** All masters that may be read from, now. */
  masters(): Master[]
  log: Log
}
export type TrackedMasters = Invalidations & {
  /** `masters()` may answer something else from now on. Call it before anything is read from a new one. */
  mastersChanged(): void
}
type Tracked = { master: Master; tracker: Pick<TrackedMaster, 'isUp' | 'provedAtMs'>; forget(): void }

const STOPPED = 'stopped'

/** One tracking pair a master; up only while each of them is. */
export function trackAll({ masters, log }: TrackAllOptions): TrackedMasters {
  let listener: InvalidationListener | null = null
  let prefixes: string[] = []
  let tracked: Tracked[] = []
  let up = false

  const goDown = (reason: string) => {
    if (!up) return
    up = false
    listener?.onDown(reason)
    if (reason !== STOPPED) log.warn({ reason }, 'near cache off')
  }
  const goUpWhenAllAre = () => {
    if (up || tracked.length === 0 || !tracked.every(({ tracker }) => tracker.isUp())) return
    up = true
    log.info({ masters: tracked.length }, 'near cache on')
    listener?.onUp()
  }
  const events: Events = {
    onUp: goUpWhenAllAre,
    onDown: goDown,
    onInvalidated: (key) => listener?.onInvalidated(key),
    onFailure: (reason) => log.debug({ reason }, 'no tracking pair'),
  }
  const follow = (now: Master[]) => {
    for (const gone of tracked.filter(({ master }) => !now.some((one) => isSame(one, master)))) gone.forget()
    tracked = now.map((one) => tracked.find(({ master }) => isSame(one, master)) ?? track(one, prefixes, events))
    goUpWhenAllAre()
  }

  return {
    start(given) {
      listener = given
      prefixes = given.prefixes
      follow(masters())
    },
    provedAtMs() {
      if (!up) return Number.NEGATIVE_INFINITY
      let least = Number.POSITIVE_INFINITY
      for (const { tracker } of tracked) least = Math.min(least, tracker.provedAtMs())
      return least
    },
    mastersChanged() {
      if (listener === null) return
      const now = masters()
      const same =
        now.length === tracked.length && now.every((one) => tracked.some(({ master }) => isSame(one, master)))
      if (same) return
      // Also when one has only gone: whoever has its keys now may have changed them before anybody listened there.
      goDown('other masters')
      follow(now)
    },
    watch(others) {
      prefixes = others
      goDown('other prefixes')
      follow([])
      follow(masters())
    },
    stop() {
      goDown(STOPPED)
      follow([])
      listener = null
    },
  }
}

type Events = Pick<TrackOneOptions, 'onUp' | 'onDown' | 'onInvalidated' | 'onFailure'>

/** A pair beside the connection that `master` is read over, by the same options. */
function track(master: Master, prefixes: string[], events: Events): Tracked {
  const { redis, beatPrefix } = master
  if (beatPrefix === null) return { master, tracker: UNPROVABLE, forget: () => undefined }
  const write = (key: string, ttlMs: number) => redis.set(key, '', 'PX', ttlMs)
  const tracker = trackOne({ options: redis.options, prefixes, beatPrefix, write, ...events })
  // What is read over its next connection may come from another server than the pair's.
  const lost = () => tracker.reset('the connection that is read over has ended')
  redis.on('close', lost)
  const forget = () => {
    redis.off('close', lost)
    tracker.stop()
  }
  return { master, tracker, forget }
}

const UNPROVABLE = { isUp: () => false, provedAtMs: () => Number.NEGATIVE_INFINITY }

function isSame(a: Master, b: Master): boolean {
  return a.redis === b.redis && a.beatPrefix === b.beatPrefix
}
