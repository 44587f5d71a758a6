import { type Caller, MAX_BRANCHES_A_CALL, NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'
import { type AgedCopy, type Copy, type CopyDeps, copies } from './copies.ts'
import type { FlightDeps, Outcome, Outcomes, Reason } from './flight.ts'
import { flights, type Need } from './flights.ts'
import { type Clock, realClock, type Waiter, waiter } from './waiter.ts'

/** `value` null: the other service does not know it. `asOf`: when it said so, `YYYY-MM-DDTHH:MM:SS.fffZ`. */
export type Foreign<T> =
  | { state: 'fresh'; value: T | null }
  | { state: 'stale'; value: T | null; reason: Reason; asOf: string }
  | { state: 'missing'; reason: NoAnswer }

export type ForeignTimes = {
  /** So long a copy is shown unmarked. */
  freshMs: number
  /** From this age on it is asked for again, while it is still shown. */
  refreshAfterMs: number
  /** So long it is kept, to be shown, marked, where nothing newer is to be had. */
  staleIfErrorMs: number
  /** Of a key with a copy, all replicas together ask once in so long. Not shorter than most calls take. */
  claimMs: number
}
export const FOREIGN_TIMES: ForeignTimes = {
  freshMs: 60_000,
  refreshAfterMs: 30_000,
  staleIfErrorMs: 24 * 60 * 60 * 1_000,
  claimMs: 2_000,
}

type Deps<T> = CopyDeps<T> & {
  /** The guarded call: one each, null for what the other service does not know. Rejects with NeighbourError. */
  fetch(ids: string[], caller: Caller): Promise<Map<string, T | null>>
  /** A call takes no longer. */
  callMs: number
  idsACall?: number
  /** So many calls at once go on when nobody waits for them. Past it what is due waits for the next who reads it. */
  refreshes: number
  times?: Partial<ForeignTimes>
  /** Milliseconds since 1970. */
  now?: () => number
  clock?: Clock
}

export type ForeignReads<T> = {
  /** One each. Settles within the caller's time, or COPIES_LEAST_MS where that is more, and never rejects. */
  read(ids: string[], caller: Caller): Promise<Map<string, Foreign<T>>>
}
export type ForeignCopies<T> = ForeignReads<T> & {
  /** Ends all waiting, and with it the calls. Nothing is asked after it. */
  stop(): void
}

/** Who has no time, or whose time others have used up, is shown what is here all the same. Redis takes a millisecond. */
const COPIES_LEAST_MS = 25
/** A refresh has that more than a call: so the call ends by itself, and says why. */
const REFRESH_MARGIN_MS = 100
/** Of a refresh: `stop` ends it. */
const NEVER = new AbortController().signal

/**
 * What another service knows, from copies in Redis that all replicas share. Up to `freshMs` a copy is as good as the other
 * service's word; then it is asked for again, and where that fails, the old copy is shown and marked. Where there is none,
 * and when Redis is gone, each process asks for itself.
 */
export function foreignCopies<T>(deps: Deps<T>): ForeignCopies<T> {
  const { callMs, refreshes, idsACall = MAX_BRANCHES_A_CALL, now = Date.now, clock = realClock } = deps
  const freshMs = deps.times?.freshMs ?? FOREIGN_TIMES.freshMs
  const times = { ...FOREIGN_TIMES, freshMs, refreshAfterMs: freshMs / 2, ...deps.times }
  const kept = copies(deps, times)
  const calls = flights({ ...kept, fetch: telling(deps), callMs, idsACall, now, clock })
  /** All who wait now. */
  const waiting = new Set<Waiter>()
  let refreshing = 0
  let isStopped = false

  return {
    async read(ids, caller) {
      const found = await copiesOf([...new Set(ids)], caller)
      const reader = enter(caller)
      const outcomes = await ask(reader, sorted(ids, found, times))
      leave(reader)
      return new Map(ids.map((id) => [id, shown(found.get(id), outcomes.get(id))]))
    },
    stop() {
      isStopped = true
      for (const one of waiting) one.leave('cancelled')
    },
  }

  function enter(caller: Caller): Waiter {
    const one = waiter(caller, clock)
    if (isStopped) one.leave('cancelled')
    waiting.add(one)
    return one
  }

  function leave(one: Waiter): void {
    one.end()
    waiting.delete(one)
  }

  async function copiesOf(ids: string[], caller: Caller): Promise<Map<string, AgedCopy<T>>> {
    const reader = enter({ ...caller, untilMs: Math.max(caller.untilMs, clock.now() + COPIES_LEAST_MS) })
    const found = await reader.unlessLeft(kept.read(ids, now()))
    leave(reader)
    return found ?? new Map()
  }

  function ask(reader: Waiter, { wanted, old }: Sorted): Promise<Outcomes<T>> {
    const boarding = calls.board()
    const outcomes = boarding.seat(reader, wanted)
    const refreshed = old.filter((id) => calls.callOf(id) !== 'held')
    if (refreshed.length > 0 && refreshing < refreshes) {
      refreshing += 1
      const untilMs = clock.now() + callMs + REFRESH_MARGIN_MS
      const refresher = enter({ ...reader.caller, untilMs, signal: NEVER })
      // In the reader's own call, as far as there is one.
      void boarding.hold(refresher, refreshed).then(() => {
        refreshing -= 1
        leave(refresher)
      })
    }
    boarding.takeOff()
    return outcomes
  }
}

/** `wanted`: what the reader waits for. `old`: what is to be asked for whether the reader waits for it, and stays, or not. */
type Sorted = { wanted: Map<string, Need>; old: string[] }

function sorted(ids: string[], found: Map<string, { ageMs: number }>, times: ForeignTimes): Sorted {
  const wanted: Sorted['wanted'] = new Map()
  const old = new Set<string>()
  for (const id of ids) {
    const ageMs = found.get(id)?.ageMs
    if (ageMs === undefined) wanted.set(id, 'anyhow')
    else if (ageMs > times.freshMs) wanted.set(id, 'if-claimed')
    if (ageMs !== undefined && ageMs >= times.refreshAfterMs) old.add(id)
  }
  return { wanted, old: [...old] }
}

function telling<T>({ fetch, kind, log }: Pick<Deps<T>, 'fetch' | 'kind' | 'log'>): FlightDeps<T>['fetch'] {
  return async (ids, caller) => {
    try {
      return await fetch(ids, caller)
    } catch (error) {
      if (!(error instanceof NeighbourError)) {
        log.error({ kind, error: error instanceof Error ? error.name : 'unknown' }, 'a call failed as nobody foresaw')
      }
      throw error
    }
  }
}

function shown<T>(copy: Copy<T> | undefined, outcome: Outcome<T> | undefined): Foreign<T> {
  // What was not asked for is a fresh copy.
  if (!outcome) return { state: 'fresh', value: copy?.value ?? null }
  if ('value' in outcome) return { state: 'fresh', value: outcome.value }
  const { reason } = outcome
  if (copy) return { state: 'stale', value: copy.value, reason, asOf: new Date(copy.at).toISOString() }
  // What has no copy is asked for whatever others do: this one is for the compiler.
  return { state: 'missing', reason: reason === 'refreshing' ? 'overloaded' : reason }
}
