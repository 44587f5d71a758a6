import { MAX_UNPROVED_MS } from '../../ports/invalidations.ts'

/** From one beat to the next. Each costs Redis one small write, and its expiry. */
export const BEAT_INTERVAL_MS = 250
/** For a beat to come back. With the interval it is the longest that a silent loss goes unnoticed. */
export const BEAT_PATIENCE_MS = MAX_UNPROVED_MS - BEAT_INTERVAL_MS
/** Beats are not kept: long enough that one is never gone before it was told of. */
const BEAT_TTL_MS = 2_000

export type BeatOptions = {
  /** A tracked prefix of these beats' own. */
  prefix: string
  /** Writes a key as those do whose reads are cached: over the same connection. */
  write(key: string, ttlMs: number): Promise<unknown>
  /** The last beat has come back. */
  onProved(): void
  /** It has not, and will not be waited for any more; the beats have ended. */
  onLate(reason: string): void
}

/**
 * Proves, again and again, that a write is told of. Each beat is a key of its own: the invalidation of a key that was
 * written before, or that has expired, proves nothing about now.
 */
export function trackingBeats({ prefix, write, onProved, onLate }: BeatOptions) {
  let number = 0
  let awaited: { key: string; sentAtMs: number } | null = null
  let provedAtMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const stop = () => {
    stopped = true
    awaited = null
    provedAtMs = Number.NEGATIVE_INFINITY
    clearTimeout(timer)
  }
  const fail = (reason: string) => {
    if (stopped) return
    stop()
    onLate(reason)
  }
  const send = () => {
    number += 1
    const beat = { key: `${prefix}${number}`, sentAtMs: performance.now() }
    awaited = beat
    write(beat.key, BEAT_TTL_MS).catch((error: Error) => fail(`a beat was not written: ${error.message}`))
    // When this process itself was busy, the beat may be here, unread: what has arrived is read before it counts as late.
    const late = () => setImmediate(() => awaited === beat && fail(`no beat for ${BEAT_PATIENCE_MS} ms`))
    timer = setTimeout(late, BEAT_PATIENCE_MS).unref()
  }
  return {
    start: send,
    /** Takes a key that was told of. */
    told(key: string): void {
      if (awaited === null || key !== awaited.key) return
      provedAtMs = awaited.sentAtMs
      awaited = null
      clearTimeout(timer)
      timer = setTimeout(send, Math.max(0, provedAtMs + BEAT_INTERVAL_MS - performance.now())).unref()
      onProved()
    },
    /** Everything that was written before is told. */
    provedAtMs: () => provedAtMs,
    stop,
  }
}
