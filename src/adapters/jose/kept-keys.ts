import type { Authenticator } from '../../ports/authentication.ts'
import type { Log } from '../../ports.ts'
import { issuerRequest } from './issuer-request.ts'
import { type Dropped, type KeySet, keySetOf, NO_KEYS } from './key-set.ts'

/** A key that the issuer has withdrawn is used no longer than this. */
export const REFRESH_EVERY_MS = 300_000
/** While it is ill; doubled each time. */
export const FIRST_RETRY_MS = 500
export const LAST_RETRY_MS = 60_000

/** `now`: monotonic. `after` calls back once, and answers how to call it off. */
export type Timing = { now(): number; after(ms: number, call: () => void): () => void }
const TIMING: Timing = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref()
    return () => clearTimeout(timer)
  },
}

export type Options = {
  url: string
  algorithms: readonly string[]
  /** Keys have gone: these are left. */
  onGone(left: KeySet): void
  log: Log
  timing?: Timing | undefined
}
export type KeptKeys = {
  keys(): KeySet
  /** Fetches, or waits for who does already. Never rejects. */
  refresh(): Promise<void>
  /** Null: nobody is fetching. */
  fetching(): Promise<void> | null
  now: Timing['now']
  state: Authenticator['state']
  stop(): void
}

/**
 * An issuer's keys, fetched anew now and then, at first by whoever calls `refresh`. Those that were fetched last stay while
 * it is down, or answers what holds no key of use: jose's own remote set would let nobody in then.
 */
export function keptKeys({ url, algorithms, onGone, log, timing = TIMING }: Options): KeptKeys {
  const issuer = issuerRequest(url)
  const sayDropped = dropping(log)
  let keys = NO_KEYS
  let fetchedAtMs: number | null = null
  let failures = 0
  let fetching: Promise<void> | null = null
  let isStopped = false
  let callOff = (): void => undefined

  const take = async (): Promise<void> => {
    const set = await keySetOf(await issuer.get(), algorithms, keys)
    if (set === null) throw new Error('answers no key set')
    sayDropped(set.dropped)
    if (set.keys.size === 0) throw new Error('answers a set without a key that is of use')
    const isAnyGone = [...keys.keys()].some((id) => !set.keys.has(id))
    keys = set.keys
    fetchedAtMs = timing.now()
    if (isAnyGone) onGone(keys)
  }
  const failed = (why: string): void => {
    failures += 1
    // Each further try of an outage would say the same.
    if (failures > 1 || isStopped) return
    const then = keys.size > 0 ? 'the last ones are kept' : 'no token can be verified until they come'
    log.warn({ why }, `the issuer’s keys could not be fetched; ${then}`)
  }
  const fetchAndPlan = async (): Promise<void> => {
    callOff()
    try {
      await take()
      if (failures > 0) log.info({ keys: keys.size }, 'the issuer’s keys are fetched again')
      failures = 0
    } catch (error) {
      failed((error as Error).message)
    }
    const retryMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
    if (!isStopped) callOff = timing.after(failures > 0 ? retryMs : REFRESH_EVERY_MS, () => void refresh())
  }
  const refresh = (): Promise<void> => {
    fetching ??= fetchAndPlan().finally(() => {
      fetching = null
    })
    return fetching
  }
  return {
    keys: () => keys,
    refresh,
    fetching: () => fetching,
    now: timing.now,
    state: () => {
      const keysAgeMs = fetchedAtMs === null ? null : timing.now() - fetchedAtMs
      return { ready: keys.size > 0, keysAgeMs, failing: failures > 0 }
    },
    stop() {
      isStopped = true
      callOff()
      issuer.stop()
    },
  }
}

/** Says which keys of a set are not used, but not each time the same. */
function dropping(log: Log): (dropped: Dropped) => void {
  let said = '{}'
  return (dropped) => {
    const text = JSON.stringify(dropped)
    if (text !== said && text !== '{}') log.warn({ dropped }, 'keys of the issuer are not used')
    said = text
  }
}
