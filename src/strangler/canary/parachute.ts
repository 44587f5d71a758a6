import { PARACHUTE, type RouteSetting, START } from '../../domain/strangler.ts'
import type { RouteModes, StranglerObserver } from '../../ports/strangler.ts'
import type { Log } from '../../ports.ts'
import type { Modes } from '../modes.ts'
import { overBudget } from './budget.ts'
import { slidingWindow } from './window.ts'

export const JUDGE_EVERY_MS = 1_000

type Deps = {
  routeIds: readonly string[]
  modes: Pick<Modes, 'of' | 'setBack'>
  /**
   * Sets the route back for all replicas, unless its setting is no longer `from`. Rejects when that cannot be written: it
   * is tried again.
   */
  setBack(routeId: string, from: RouteSetting | null, to: RouteSetting): Promise<unknown>
  /** Told once each time that it sets a route back, in this process. */
  opened(routeId: string): void
  log: Log
  now?: () => number
  wallClock?: () => Date
}

/**
 * Watches canaries. One that is worse than the legacy application by more than its budget is set back to that, here at once,
 * and by way of its switch everywhere; there it stays until somebody says otherwise.
 */
export function parachute(deps: Deps): StranglerObserver & { judge(): void; stop(): void } {
  const { routeIds, modes, setBack, opened, log, now = () => performance.now(), wallClock = () => new Date() } = deps
  const watches = new Map(routeIds.map((id) => [id, { window: slidingWindow(now), of: null as Watched }]))
  /** Set back here, and not yet for all. */
  const unwritten = new Map<string, Change>()
  const beingWritten = new Set<Change>()

  /** The window of the route as it is now; what was seen before it came into this mode is forgotten. */
  const windowOf = (routeId: string) => {
    const watch = watches.get(routeId)
    if (watch === undefined) return null
    const inForce = modes.of(routeId)
    if (watch.of !== inForce) watch.window.clear()
    watch.of = inForce
    return watch.window
  }
  const pull = (routeId: string, why: string): void => {
    const from = modes.of(routeId).setting
    const at = wallClock().toISOString()
    const to: RouteSetting = { mode: 'legacy', reason: why, by: PARACHUTE, at, judged: from?.at ?? START }
    log.warn({ route: routeId, reason: why }, 'a canary is set back to the legacy application')
    modes.setBack(routeId, to)
    opened(routeId)
    unwritten.set(routeId, { from, to })
  }
  const write = async (routeId: string, change: Change): Promise<void> => {
    if (beingWritten.has(change)) return
    beingWritten.add(change)
    try {
      await setBack(routeId, change.from, change.to)
      if (unwritten.get(routeId) === change) unwritten.delete(routeId)
    } catch (error) {
      log.warn({ route: routeId, reason: String(error) }, 'that a canary is set back cannot be told to others yet')
    } finally {
      beingWritten.delete(change)
    }
  }
  const judge = (): void => {
    for (const routeId of routeIds) {
      if (modes.of(routeId).mode.mode !== 'canary') continue
      const window = windowOf(routeId)
      const why = window === null ? null : overBudget(window.sum())
      if (why !== null) pull(routeId, why)
    }
    for (const [routeId, change] of unwritten) void write(routeId, change)
  }
  const timer = setInterval(judge, JUDGE_EVERY_MS)
  timer.unref()
  return {
    answered: (routeId, by, failed, ms) => windowOf(routeId)?.answered(by, failed, ms),
    compared: (routeId, outcome) => windowOf(routeId)?.compared(outcome),
    asked: (routeId, failed, ms) => windowOf(routeId)?.answered('legacy', failed, ms),
    judge,
    stop: () => clearInterval(timer),
  }
}
type Change = { from: RouteSetting | null; to: RouteSetting }
type Watched = ReturnType<RouteModes['of']> | null
