import { sqlAuditTrail } from './adapters/sql/audit-trail.ts'
import { sqlParked } from './adapters/sql/parked.ts'
import { sqlRoleStore } from './adapters/sql/role-store.ts'
import { sqlUserStore } from './adapters/sql/user-store.ts'
import { type CommandDeps, guardedWrites } from './commands/index.ts'
import type { Config } from './config.ts'
import { legacyRoutes } from './legacy/index.ts'
import type { AccessDeps } from './plugins/authentication.ts'
import type { HealthDeps } from './plugins/health.ts'
import type { AppObserver } from './plugins/request-metrics.ts'
import type { WriteObserver } from './ports/metrics.ts'
import type { RefusalObserver } from './ports/refusals.ts'
import type { LegacyRoute } from './ports/strangler.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Log } from './ports.ts'
import { evidenceStore } from './projections/evidence/store.ts'
import { SCHEMA } from './projections/keys.ts'
import { lists } from './projections/lists/lists.ts'
import { userLists } from './projections/lists/user-lists.ts'
import type { NearReads } from './projections/near/near-reads.ts'
import { observedWrites } from './projections/observed-writes.ts'
import { readModels } from './projections/read-models.ts'
import { holders } from './projections/user/holders.ts'
import { visibleWrites } from './projections/visible-writes.ts'
import type { HotReadDeps, QueryDeps } from './queries/index.ts'
import type { StranglerDeps } from './strangler/plugin.ts'
import { wireAccess } from './wiring-access.ts'
import { type Parts, readConsistency, redisUrl, wireCore } from './wiring-core.ts'
import { openDatabase, type ReadEpoch } from './wiring-database.ts'
import { healthChecks } from './wiring-health.ts'
import { wireLegacy } from './wiring-legacy.ts'
import { type ApiMetrics, type MetricRegistry, wireApiMetrics } from './wiring-metrics.ts'
import { wireNear } from './wiring-near.ts'
import { breakersOf, wireNeighbours } from './wiring-neighbours.ts'
import { startOf, wireModes, wireStrangler } from './wiring-strangler.ts'
import { wireSwitches } from './wiring-switches.ts'

type Served = {
  commands: CommandDeps
  queries: QueryDeps
  health: HealthDeps
  hot: Omit<HotReadDeps, 'requestId'>
  strangler: StranglerDeps
  access: AccessDeps
  refusals: RefusalObserver
  counts: AppObserver
  tracing: Tracing | null
}
export type Api = Served & { metrics: MetricRegistry; close(): Promise<void> }

/** `metrics`: where they are served already. `epochOf` may wait for the database; absent: it is not waited for. */
type Given = { metrics?: ApiMetrics; epochOf?: ReadEpoch | undefined; tracing?: Tracing | null }

/** Everything that answers requests needs. */
export async function wireApi(config: Config, log: Log, given: Given = {}): Promise<Api> {
  // What is started is ended in the opposite order, also when something after it does not start.
  await using started = new AsyncDisposableStack()
  const { metrics = wireApiMetrics(), epochOf, tracing = null } = given
  const parts = await wireCore(config, log, { observer: metrics.core, epochOf, tracing })
  started.defer(parts.close)
  const tagBase = { epoch: parts.keys.epoch, schema: SCHEMA }
  const { access, admission, tokens, stop: stopAccess } = await wireAccess(config, log, metrics.tokens)
  started.defer(stopAccess)
  const near = wireNear({ ...parts, tagBase, maxBytes: config.nearCacheBytes, observer: metrics.requests, log })
  started.defer(near.stop)
  const stores = { ...wireStores(config, parts, metrics.commands), now: () => new Date() }
  started.defer(parts.schemas.keepSeen())
  const reads = wireReads(parts, near.reads)
  const routes = legacyRoutes({ ...stores, ...reads })
  const strangling = metrics.strangler(routes.map(({ id }) => id))
  const neighbours = wireNeighbours({ ...parts, config: config.neighbours, observer: metrics.neighbours, tracing, log })
  started.defer(neighbours.close)
  const { identity } = access
  const old = wireLegacy({ config: config.legacy, identity, tokens, observer: metrics.neighbours, tracing, log })
  started.defer(old.close)
  const breakers = breakersOf({ ...neighbours.guards, legacy: old.breaker })
  const start = startOf(config.legacy, routes)
  const modes = wireModes({ routes, start, metrics: strangling, log })
  const switches = await wireSwitches({ ...parts, breakers, modes, redisUrl: redisUrl(config), log })
  started.defer(switches.stop)
  const strangler = wireStrangler({
    ...{ ...parts, ...switches.commands, config: config.legacy, legacy: old.legacy, routes, modes, start, log },
    ...{ epoch: tagBase.epoch, evidence: evidenceStore({ ...parts, epoch: tagBase.epoch }) },
    metrics: strangling,
  })
  started.defer(strangler.stop)
  const issuer = issuerOf(config, access)
  const checks = healthChecks({ ...parts, breakers, near: near.provedAtMs, issuer })
  metrics.serving({ ...parts, near: near.figures, issuer, checks })
  const all = started.move()
  return {
    commands: { ...stores, ...switches.commands, legacyRoutes: routes, tagBase },
    queries: {
      ...{ ...reads, ...switches.queries, ...neighbours.queries, ...strangler.queries },
      ...{ history: sqlAuditTrail(parts.database), tagBase },
    },
    health: {
      checks,
      consistency: () => readConsistency(parts),
    },
    hot: { ...near.hot, ...admission, tagBase, observer: metrics.requests.hot },
    strangler: { ...strangler.app, showsOurs: old.showsOurs },
    access,
    refusals: metrics.refusals,
    tracing,
    counts: { serving: metrics.requests.serving, ended: metrics.commands.ended },
    metrics: metrics.registry,
    close: () => all.disposeAsync(),
  }
}

/** Endpoints of the legacy application, past the near cache: for whoever only asks now and then. */
export function wireLegacyRoutes(config: Config, parts: Parts): LegacyRoute[] {
  const stores = { ...wireStores(config, parts), now: () => new Date() }
  return legacyRoutes({ ...stores, ...wireReads(parts, { views: parts.views, roles: parts.roles }) })
}

/** What commands write to: read models are told of it before it is acknowledged. */
function wireStores(config: Config, parts: Parts, observer: WriteObserver = { written: () => undefined }) {
  const publishing = { events: config.events !== null }
  const visible = visibleWrites({
    users: sqlUserStore(parts.database, { ...publishing, ...config.commands }),
    roles: sqlRoleStore(parts.database, publishing),
    readModels: readModels(parts),
    floor: parts.floor,
    deadlineMs: config.inlineProjectionMs,
  })
  return guardedWrites(observedWrites(visible, observer))
}

/** Null: tokens are signed by a key of our own. */
function issuerOf({ auth }: Config, { authenticator }: AccessDeps) {
  return auth.issuer === null ? null : authenticator.state
}

/** Lists go past the near cache: by what Redis holds, and says is dirty, at one moment. */
function wireReads<Reads extends NearReads>(parts: Parts, reads: Reads) {
  return {
    ...{ ...reads, holders: holders({ views: reads.views, truths: parts.views.truths }) },
    lists: userLists({ ...parts, pages: lists(parts) }),
  }
}

/** Changes that could not be handled, for the people who decide what becomes of them. Needs no Redis. */
export function openParked(config: Config) {
  const { database, close } = openDatabase(config)
  return { ...sqlParked(database), close }
}
