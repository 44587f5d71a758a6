import type { StranglerMetrics } from './adapters/prometheus/strangler-metrics.ts'
import { setRoute } from './commands/set-route/handler.ts'
import type { LegacyConfig } from './config-legacy.ts'
import { UNLIMITED } from './domain/authority.ts'
import { type Mode, PARACHUTE, percentOf } from './domain/strangler.ts'
import type { EvidenceStore } from './ports/evidence.ts'
import type { ExpiringKeys } from './ports/redis.ts'
import type { LegacyRoute, StranglerObserver } from './ports/strangler.ts'
import type { SwitchStore } from './ports/switches.ts'
import type { Log } from './ports.ts'
import { writeStarts } from './projections/evidence/starts.ts'
import { caughtUp } from './projections/freshness/caught-up.ts'
import type { Freshness } from './projections/freshness/freshness.ts'
import { parachute } from './strangler/canary/parachute.ts'
import { gathering } from './strangler/evidence/gathering.ts'
import { LATENCY_BUCKETS_MS } from './strangler/evidence/latency.ts'
import { type Modes, routeModes, startModes } from './strangler/modes.ts'
import type { StranglerDeps } from './strangler/plugin.ts'
import type { LegacyApplication } from './strangler/proxy/legacy-application.ts'
import { shadow } from './strangler/shadow/shadow.ts'

const PARACHUTE_ACTOR = { name: PARACHUTE, requestId: '', address: '', ...UNLIMITED }

type ModesDeps = Pick<Deps, 'routes' | 'log'> & {
  start: ReadonlyMap<string, Mode>
  metrics: Pick<StranglerMetrics, 'inMode'>
}

/** In which mode each route is in this process; told of switches by the wiring of those. */
export function wireModes({ routes, start, metrics, log }: ModesDeps): Modes {
  const onMode = (id: string, mode: Mode) => metrics.inMode(id, mode.mode, percentOf(mode))
  return routeModes({ routes, start, onMode, log })
}

/** With which modes routes start. Throws where the file says what there is not: it would otherwise say nothing. */
export function startOf({ startModes: given }: LegacyConfig, routes: readonly LegacyRoute[]): Map<string, Mode> {
  try {
    return startModes(given, routes)
  } catch (error) {
    throw Object.assign(new Error(`Wrong settings. STRANGLER_MODES: ${(error as Error).message}`), { expected: true })
  }
}

type Deps = {
  config: LegacyConfig
  legacy: LegacyApplication | null
  routes: readonly LegacyRoute[]
  modes: Modes
  switches: Pick<SwitchStore, 'update'>
  evidence: EvidenceStore
  /** With which modes this process has started. */
  start: ReadonlyMap<string, Mode>
  redis: Pick<ExpiringKeys, 'setFor' | 'getExpiring'>
  epoch: string
  freshness: Pick<Freshness, 'ageMs'>
  metrics: StranglerMetrics
  log: Log
}

/** What watches the routes while they are taken over, and what the HTTP application needs of it all. */
export function wireStrangler(deps: Deps) {
  const { config, legacy, routes, modes, switches, evidence, freshness, metrics, log } = deps
  const set = setRoute({ switches, legacyRoutes: routes, now: () => new Date() })
  const canaries = parachute({
    routeIds: routes.map(({ id }) => id),
    modes,
    setBack: (route, from, to) => set({ route, to, reason: to.reason, by: PARACHUTE_ACTOR, ifSetAt: from?.at ?? null }),
    opened: metrics.parachuteOpened,
    log,
  })
  const gathered = gathering({ store: evidence, modes, log })
  const observer = all([metrics, canaries, gathered])
  const comparing = shadow({
    ...config.shadow,
    modes,
    observer,
    record: gathered.record,
    settle: caughtUp({ freshness }),
    log,
  })
  const told = writeStarts(deps, deps.start, log)
  const { requestMs, trustedProxies } = config
  const app: Omit<StranglerDeps, 'showsOurs'> = {
    legacy,
    routes,
    modes,
    shadow: comparing,
    observer,
    requestMs,
    trustedProxies,
  }
  return {
    app,
    queries: { modes, evidence, legacyRoutes: routes, latencyBucketsMs: LATENCY_BUCKETS_MS },
    async stop(): Promise<void> {
      canaries.stop()
      told.stop()
      await comparing.stop()
      await gathered.stop()
    },
  }
}

function all(observers: StranglerObserver[]): StranglerObserver {
  return {
    answered: (...counted) => {
      for (const observer of observers) observer.answered(...counted)
    },
    compared: (...counted) => {
      for (const observer of observers) observer.compared(...counted)
    },
    asked: (...counted) => {
      for (const observer of observers) observer.asked(...counted)
    },
  }
}
