import { randomBytes } from 'node:crypto'
import type { RedisOptions } from 'ioredis'
import { trackingBeats } from './tracking-beats.ts'
import { type Pair, trackingPair } from './tracking-pair.ts'

/** Connecting, subscribing, tracking and the first beat take milliseconds; what takes longer is begun again. */
const SET_UP_LIMIT_MS = 2_000
const RETRY_BASE_MS = 25
const RETRY_MAX_MS = 1_000
/** Up for so long, it was a loss of its own, and not another failure of the last attempt. */
const STEADY_MS = 5_000
/** The server's own account of the pair, now and then: also keeps an idle connection from its `timeout`. */
const CHECK_INTERVAL_MS = 5_000
const RANDOM_BYTES = 9

export type TrackOneOptions = {
  /** How to reach the master: host, port, password, TLS … */
  options: RedisOptions
  prefixes: string[]
  /** Keys that begin so are this process's to write, on this master, and none of the prefixes overlaps with it. */
  beatPrefix: string
  /** Writes a key as those do whose reads are cached. */
  write(key: string, ttlMs: number): Promise<unknown>
  onUp(): void
  onDown(reason: string): void
  /** Null: all keys. Also while it is down. */
  onInvalidated(key: string | null): void
  /** An attempt has failed. */
  onFailure(reason: string): void
}
export type TrackedMaster = {
  isUp(): boolean
  provedAtMs(): number
  /** What was proved is in doubt: sets everything up anew. */
  reset(reason: string): void
  stop(): void
}

/**
 * Keeps a tracking pair with one master: subscribe, track, prove by a beat that it works, and only then up. Whatever
 * goes wrong, it is down at once, and a new pair is begun.
 */
export function trackOne(how: TrackOneOptions): TrackedMaster {
  // Other processes beat, too: only this one's come back to it.
  const beatPrefix = `${how.beatPrefix}${randomBytes(RANDOM_BYTES).toString('hex')}:`
  let attempt: ReturnType<typeof attemptOne> | null = null
  let upSinceMs: number | null = null
  let failures = 0
  let retry: NodeJS.Timeout | undefined

  const begin = () => {
    attempt = attemptOne({ ...how, beatPrefix }, up, failed)
  }
  const up = () => {
    upSinceMs = performance.now()
    how.onUp()
  }
  const failed = (reason: string) => {
    const wasUpForMs = upSinceMs === null ? null : performance.now() - upSinceMs
    failures = wasUpForMs !== null && wasUpForMs > STEADY_MS ? 0 : failures + 1
    end()
    // Before those who listen: they may stop it.
    retry = setTimeout(begin, pauseMs(failures)).unref()
    if (wasUpForMs === null) how.onFailure(reason)
    else how.onDown(reason)
  }
  const end = () => {
    clearTimeout(retry)
    attempt?.stop()
    attempt = null
    upSinceMs = null
  }
  begin()
  return {
    isUp: () => upSinceMs !== null,
    provedAtMs: () => attempt?.provedAtMs() ?? Number.NEGATIVE_INFINITY,
    reset: (reason) => {
      if (attempt !== null) failed(reason)
    },
    stop: end,
  }
}

/** One pair's life. Calls `onUp` at most once, then `onFailed` at most once; after `stop` nothing. */
function attemptOne(how: TrackOneOptions, onUp: () => void, onFailed: (reason: string) => void) {
  let ended = false
  const stop = () => {
    ended = true
    clearTimeout(limit)
    clearInterval(checks)
    beats.stop()
    pair.close()
  }
  const fail = (reason: string) => {
    if (ended) return
    stop()
    onFailed(reason)
  }
  const beats = trackingBeats({
    prefix: how.beatPrefix,
    write: how.write,
    onProved: () => {
      if (limit === undefined) return
      clearTimeout(limit)
      limit = undefined
      onUp()
    },
    onLate: fail,
  })
  const pair: Pair = trackingPair({
    options: how.options,
    prefixes: [...how.prefixes, how.beatPrefix],
    onKeys: (keys) => {
      if (keys === null) return how.onInvalidated(null)
      for (const key of keys) {
        if (key.startsWith(how.beatPrefix)) beats.told(key)
        else how.onInvalidated(key)
      }
    },
    onEnd: fail,
  })
  let limit: NodeJS.Timeout | undefined = setTimeout(() => fail('not set up in time'), SET_UP_LIMIT_MS).unref()
  const checks = setInterval(() => {
    if (limit === undefined) pair.check().catch((error: Error) => fail(error.message))
  }, CHECK_INTERVAL_MS).unref()
  pair.open().then(
    () => ended || beats.start(),
    (error: Error) => fail(error.message),
  )
  return { provedAtMs: beats.provedAtMs, stop }
}

/** Full jitter but for a half, so that the processes that lost the same server do not come back all at once. */
function pauseMs(failures: number): number {
  return Math.min(RETRY_BASE_MS * 2 ** Math.min(failures, 10), RETRY_MAX_MS) * (0.5 + Math.random() / 2)
}
