import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import { loadOf } from '../ports/rate-limits.ts'
import type { RefusalObserver, Shedding } from '../ports/refusals.ts'
import type { Log } from '../ports.ts'

export type { RefusalObserver }

/** Of the event loop, in the last sample: mean delay of its turns, and the part of the time in which it was busy. 0: never. */
export type OverloadLimits = { searchesDelayMs: number; delayMs: number; searchesBusyPercent: number }
type Deps = { limits: OverloadLimits; observer: RefusalObserver; log: Log }

/** How often the event loop is judged, by what it did since. */
const SAMPLE_MS = 250
const PERCENT = 100
/** So long nothing was to be shed before it counts as over: else a process at its limit would say so four times a second. */
const CALM_MS = 5_000

const LONGEST_TOLD_MS = 60_000

const NO_SEARCHES = new DomainError('overloaded', 'There is too much to do for lists and searches; try again later.')
const NOTHING = new DomainError('overloaded', 'There is too much to do here; try again later.')

/**
 * Above one threshold searches are refused, above the other all but health and what lies in this process's memory, before
 * anything was done for them: an event loop that is late is late for everybody, for Redis's answers too. What it
 * resolves to says whether that is so: the hot read is answered before any hook.
 */
export async function registerOverload(app: FastifyInstance, { limits, observer, log }: Deps): Promise<() => boolean> {
  const { searchesDelayMs, delayMs } = limits
  const searchesUtilisation = limits.searchesBusyPercent / PERCENT
  const thresholds = [searchesDelayMs, delayMs].filter((threshold) => threshold > 0)
  if (thresholds.length === 0 && searchesUtilisation === 0) return () => false
  const isUnderWay = afterTheStart(app)
  const shed = (): Shedding => {
    const { eventLoopDelay, eventLoopUtilized } = app.memoryUsage()
    const isLate = isAbove(delayMs, eventLoopDelay)
    const isBusy = isAbove(searchesDelayMs, eventLoopDelay) || isAbove(searchesUtilisation, eventLoopUtilized)
    if (!(isLate || isBusy) || !isUnderWay()) return 'nothing'
    return isLate ? 'all' : 'searches'
  }
  // No limits of memory: what the heap and the process may take is the platform's to say, and ends them.
  await app.register(underPressure, {
    sampleInterval: SAMPLE_MS,
    maxEventLoopDelay: thresholds.length === 0 ? 0 : Math.min(...thresholds),
    maxEventLoopUtilization: searchesUtilisation,
    // Since the last sample, not since the process began.
    eventLoopUtilizationMode: 'interval',
    pressureHandler: (request) => {
      const what = shed()
      if (what === 'nothing' || isExempt(request)) return
      if (what === 'all') throw NOTHING
      if (request.routeOptions.config.load === 'search') throw NO_SEARCHES
    },
  })
  tellOfChanges(app, shed, { observer, log })
  return () => shed() === 'all'
}

/** A process that starts has much to do at once, and is late for nobody: what was seen until it listens is not judged. */
function afterTheStart(app: FastifyInstance): () => boolean {
  let fromMs = Number.POSITIVE_INFINITY
  app.addHook('onListen', async () => {
    fromMs = performance.now() + 2 * SAMPLE_MS
  })
  return () => performance.now() >= fromMs
}

function isAbove(threshold: number, value: number): boolean {
  return threshold > 0 && value > threshold
}

/** Whoever is busy is not to be restarted for it, nor taken out of service: the others would have its share as well. */
function isExempt({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url?.startsWith('/health/') === true
}

/** One line a change, and the gauge. */
function tellOfChanges(app: FastifyInstance, shed: () => Shedding, { observer, log }: Omit<Deps, 'limits'>): void {
  let told: Shedding = 'nothing'
  let calmSinceMs: number | null = null
  const tell = (what: Shedding): void => {
    told = what
    observer.shedding(what)
    // Infinite where the loop did not turn even once since the last sample.
    const delayMs = Math.round(Math.min(app.memoryUsage().eventLoopDelay, LONGEST_TOLD_MS))
    if (what === 'nothing') log.info({}, 'no longer overloaded')
    else log.warn({ shedding: what, delayMs }, 'overloaded: requests are refused')
  }
  const look = (): void => {
    const what = shed()
    const nowMs = performance.now()
    if (RANK[what] >= RANK[told]) {
      calmSinceMs = null
      if (what !== told) tell(what)
      return
    }
    calmSinceMs ??= nowMs
    if (nowMs - calmSinceMs < CALM_MS) return
    calmSinceMs = null
    tell(what)
  }
  const timer = setInterval(look, SAMPLE_MS).unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

const RANK = { nothing: 0, searches: 1, all: 2 } as const satisfies Record<Shedding, number>

/** Counts what was refused because there was too much of it, whoever has found that. */
export function countRefusals(app: FastifyInstance, { refused }: Pick<RefusalObserver, 'refused'>): void {
  app.addHook('onError', async (request, _reply, error) => {
    if (!(error instanceof DomainError)) return
    if (error.code === 'overloaded') refused(error === NO_SEARCHES ? 'overload-searches' : 'overload')
    if (error.code === 'too-many-requests') refused(request.principal === null ? 'bad-tokens' : rateOf(request))
  })
}

function rateOf({ method, routeOptions: { config } }: FastifyRequest) {
  return `rate-${loadOf(method, config.load)}` as const
}
