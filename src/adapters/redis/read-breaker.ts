import CircuitBreaker from 'opossum'
import type { RedisCall, RedisObserver } from '../../ports/metrics.ts'
import type { Log } from '../../ports.ts'

/** Of the calls of the last second, at least so many, and half of them failed or late: the breaker opens. */
const WINDOW_MS = 1_000
const WINDOW_BUCKETS = 10
const LEAST_CALLS = 5
const FAILED_PERCENT = 50
/** How long nobody is let through; then one call at a time tries. */
const OPEN_MS = 500

export type ReadBreaker = {
  /** Rejects past the deadline, and at once while Redis is known to be slow or gone. */
  run<Reply>(call: () => Promise<Reply>): Promise<Reply>
  stop(): void
}

type Options = {
  deadlineMs: number
  /** What is logged when it opens, and when it closes again. */
  words: { open: string; close: string }
  /** A failure that says nothing against it. None is, unless it is said here. */
  isNoFault?(error: unknown): boolean
  log: Log
}

/**
 * A Redis that answers late is worse than none: each reader would wait for it before asking whom it is a copy of. One
 * breaker for all reads of a process of one kind. Writes of read models (fences above all) are tried in any case: what they
 * fail to do must be made good.
 */
export function readBreaker({ deadlineMs, words, isNoFault = () => false, log }: Options): ReadBreaker {
  const breaker = new CircuitBreaker((call: () => Promise<unknown>) => call(), {
    timeout: deadlineMs,
    errorThresholdPercentage: FAILED_PERCENT,
    volumeThreshold: LEAST_CALLS,
    rollingCountTimeout: WINDOW_MS,
    rollingCountBuckets: WINDOW_BUCKETS,
    resetTimeout: OPEN_MS,
    // 7 ms a failure with many samples, and nobody reads them.
    rollingPercentilesEnabled: false,
    errorFilter: isNoFault,
  })
  breaker.on('open', () => log.warn({ openMs: OPEN_MS }, words.open))
  breaker.on('close', () => log.info({}, words.close))
  return {
    run: <Reply>(call: () => Promise<Reply>) => breaker.fire(call) as Promise<Reply>,
    stop: () => breaker.shutdown(),
  }
}

/** Does `work`, and tells how it ended. */
export function telling(observer: RedisObserver | undefined, call: RedisCall) {
  return async <Reply>(work: () => Promise<Reply>): Promise<Reply> => {
    if (observer === undefined) return work()
    const { begun, ended } = observer
    const begunAtMs = begun()
    try {
      const reply = await work()
      ended(call, false, begunAtMs)
      return reply
    } catch (error) {
      ended(call, true, begunAtMs)
      throw error
    }
  }
}
