import type { Finding } from '../../ports/evidence.ts'
import { NeighbourError } from '../../ports/neighbours.ts'
import type {
  LegacyAnswer,
  LegacyCopy,
  LegacyRequest,
  LegacyRoute,
  RouteModes,
  StranglerObserver,
} from '../../ports/strangler.ts'
import type { Log } from '../../ports.ts'
import { type Conclusion, concluded, failed } from './looks.ts'
import { masked } from './mask.ts'
import {
  type Answered,
  type Ask,
  asSent,
  comparableOf,
  NothingToCompare,
  orAborted,
  ours,
  type Sides,
  theirs,
} from './sides.ts'

/** Longest time of one comparison, with all that it asks, but for SETTLE_MS. */
export const COMPARISON_DEADLINE_MS = 10_000
/** Longer than what is written takes, as a rule, until our copies show it. */
export const SETTLE_MS = 1_000

export type ShadowDeps = {
  /** Comparisons at the same time. None waits. */
  concurrent: number
  /** 0 … 100. */
  samplePercent: number
  deadlineMs?: number
  modes: RouteModes
  observer: Pick<StranglerObserver, 'compared'>
  record(routeId: string, finding: Finding): void
  log: Log
  /** 0 ≤ random < 1. */
  random?: () => number
  /** Resolves when what was written before is in our copies. Rejects as soon as `signal` is aborted. */
  settle?: (signal: AbortSignal) => Promise<void>
}
export type Shadow = {
  /**
   * Whether this answer is to be compared: draws the sample, and takes a place. Cheap. null: nothing is to be kept. Only
   * reads are compared. One that was drawn and finds no place counts as `dropped`.
   */
  begin(route: LegacyRoute): Look | null
  /** Nothing new is begun; resolves when what is under way has ended, within its deadline. */
  stop(): Promise<void>
}
/** A place for one comparison: one of these is called, in the end, and later calls do nothing. None throws. */
export type Look = {
  /** The client has the legacy answer: ours is computed now, off its path. null: there was none that can be compared. */
  ofLegacy(request: LegacyRequest, legacy: LegacyCopy | null, again: Ask): void
  /** The client has our answer: the legacy application is asked now. */
  ofNative(request: LegacyRequest, native: LegacyAnswer, ask: Ask): void
  /** There is nothing to compare: the client has gone, say. */
  cancel(): void
}

type Side = 'legacy' | 'native'
type Case = { route: LegacyRoute; request: LegacyRequest; answeredBy: Side; ask: Ask }

/**
 * Compares answers of the legacy application with ours, off the path of those who wait for them. Costs nobody anything
 * that has no bound: so many at once, none waits, each has a deadline.
 */
export function shadow(deps: ShadowDeps): Shadow {
  const { concurrent, samplePercent, modes, observer, random = Math.random } = deps
  /** Of each comparison under way: ends its waiting for copies. */
  const underWay = new Map<Promise<void>, AbortController>()
  let taken = 0
  let isStopped = false

  const run = (one: Case, first: First, since: string | undefined): void => {
    if (isStopped) {
      taken -= 1
      return
    }
    const waiting = new AbortController()
    const running = judged(one, first, { ...deps, waiting })
      .then((conclusion) => {
        // What was begun in another mode says nothing of this one.
        if (conclusion !== null && modes.of(one.route.id).setting?.at === since) tell(one, conclusion, deps)
      })
      .catch((error) => deps.log.error({ route: one.route.id, reason: String(error) }, 'a comparison has failed'))
      .finally(() => {
        taken -= 1
        underWay.delete(running)
      })
    underWay.set(running, waiting)
  }
  return {
    begin(route) {
      if (isStopped || route.method !== 'GET' || random() * 100 >= samplePercent) return null
      if (taken >= concurrent) {
        observer.compared(route.id, 'dropped')
        return null
      }
      taken += 1
      const since = modes.of(route.id).setting?.at
      let isOpen = true
      const once = (use: () => void): void => {
        if (isOpen) use()
        isOpen = false
      }
      return {
        ofLegacy: (request, legacy, ask) =>
          once(() => run({ route, request, answeredBy: 'legacy', ask }, firstOfLegacy(legacy), since)),
        ofNative: (request, native, ask) =>
          once(() => run({ route, request, answeredBy: 'native', ask }, firstOfNative(native), since)),
        cancel: () =>
          once(() => {
            taken -= 1
          }),
      }
    },
    async stop() {
      isStopped = true
      for (const waiting of underWay.values()) waiting.abort(new Stopped())
      await Promise.all(underWay.keys())
    },
  }
}

/** Copies are not waited for when the process ends. */
class Stopped extends Error {}

/** The answer that the client has, and that of the other side. */
type First = (sides: Sides, signal: AbortSignal) => Promise<Answered>
const firstOfLegacy =
  (copy: LegacyCopy | null): First =>
  async (sides, signal) => {
    if (copy === null) throw new NothingToCompare('no whole answer of the legacy application')
    return { legacy: await comparableOf(copy), native: await ours(sides, signal) }
  }
const firstOfNative =
  (answer: LegacyAnswer): First =>
  async (sides, signal) => ({ native: asSent(answer), legacy: await theirs(sides, signal) })

/** null: it was broken off, and says nothing. Rejects only for faults of our own. */
async function judged(
  { route, request, ask }: Case,
  first: First,
  { deadlineMs = COMPARISON_DEADLINE_MS, settle = caughtUp, waiting }: ShadowDeps & { waiting: AbortController },
): Promise<Conclusion | null> {
  // The client's answer goes out first.
  await new Promise(setImmediate)
  const signal = AbortSignal.timeout(deadlineMs + SETTLE_MS)
  const sides: Sides = {
    rules: route.rules,
    legacy: ask,
    native: async () => route.answer(request),
    settle: (until) => orAborted(settle(waiting.signal), until),
  }
  try {
    return await concluded(await first(sides, signal), sides, signal)
  } catch (error) {
    if (error instanceof Stopped) return null
    // The messages of others may hold what was asked.
    const isTold = error instanceof NothingToCompare || error instanceof NeighbourError
    return failed(isTold ? error.message : error instanceof Error ? error.name : 'error')
  } finally {
    waiting.abort(new Stopped())
  }
}

function tell(
  { route, request, answeredBy }: Case,
  conclusion: Conclusion,
  { observer, record, log }: ShadowDeps,
): void {
  const { outcome, differences, why } = conclusion
  observer.compared(route.id, outcome)
  if (outcome === 'failed') log.debug({ route: route.id, reason: why }, 'two answers could not be compared')
  if (outcome !== 'mismatch' && outcome !== 'noise') return
  record(route.id, { outcome, answeredBy, requestId: request.by.requestId, differences: differences.map(masked) })
}

function caughtUp(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    const timer = setTimeout(end, SETTLE_MS)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
