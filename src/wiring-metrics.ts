import { buildMetrics } from './adapters/prometheus/build-metrics.ts'
import { commandMetrics, issuerMetrics, tokenMetrics } from './adapters/prometheus/command-metrics.ts'
import { coreMetrics, databaseMetrics } from './adapters/prometheus/core-metrics.ts'
import { expositionServer } from './adapters/prometheus/exposition-server.ts'
import {
  type MetricRegistry,
  metricRegistry,
  type SentMetrics,
  sentMetrics,
  withOthers,
} from './adapters/prometheus/families.ts'
import { healthMetrics } from './adapters/prometheus/health-metrics.ts'
import { nearMetrics } from './adapters/prometheus/near-metrics.ts'
import { neighbourMetrics } from './adapters/prometheus/neighbour-metrics.ts'
import { poolMetrics } from './adapters/prometheus/pool-metrics.ts'
import { processMetrics } from './adapters/prometheus/process-metrics.ts'
import { feedMetrics, lagMetrics } from './adapters/prometheus/projection-metrics.ts'
import { refusalMetrics } from './adapters/prometheus/refusal-metrics.ts'
import { relayMetrics } from './adapters/prometheus/relay-metrics.ts'
import { requestMetrics } from './adapters/prometheus/request-metrics.ts'
import { asksOnce, sharedMetrics } from './adapters/prometheus/shared-metrics.ts'
import { stranglerMetrics } from './adapters/prometheus/strangler-metrics.ts'
import { outboxFigures } from './adapters/sql/outbox-figures.ts'
import { relayLease } from './adapters/sql/relay-lease.ts'
import type { Config } from './config.ts'
import { NEIGHBOURS } from './domain/neighbours.ts'
import { chainFigures } from './jobs/audit-chain/passes.ts'
import { problemCodes } from './plugins/errors.ts'
import type { HealthDeps } from './plugins/health.ts'
import { CHAIN_FAULTS } from './ports/audit-trail.ts'
import type { Authenticator } from './ports/authentication.ts'
import type { Log } from './ports.ts'
import { CAUSES } from './projections/consistency/causes.ts'
import { SCHEMA } from './projections/keys.ts'
import { type Parts, readConsistency } from './wiring-core.ts'
import type { Near } from './wiring-near.ts'
import { RELEASE } from './wiring-release.ts'
import { waitingChecks } from './wiring-waiting.ts'
import type { Jobs } from './wiring-workers.ts'

export { type MetricRegistry, metricRegistry, type SentMetrics, sentMetrics }

/** Answered before the router (queries/get-user/hot.ts). */
const HOT_ROUTE = { method: 'GET', route: '/v1/users/:userId' }
/** What takes longer is missing from this scrape: Prometheus itself waits 10 s by default. */
const ASKED_LIMIT_MS = 2_000
const CHECKS = ['database', 'redis', 'changes', 'nearCache', 'issuer', ...NEIGHBOURS]
const QUEUES = ['rebuild', 'audit', 'audit-chain', 'replay', 'housekeeping']

type Measured = Pick<Parts, 'keys' | 'freshness' | 'pools'>

export type ApiMetrics = ReturnType<typeof wireApiMetrics>
/** What the API counts, whether somebody reads it or not: it costs a fraction of a microsecond each time. */
export function wireApiMetrics(registry = metricRegistry()) {
  let checksNow: HealthDeps['checks'] = async () => waitingChecks()
  // From the beginning: who waits for the database at the start is not ready, and is to be seen as such.
  healthMetrics(
    registry,
    CHECKS,
    asksOnce(() => checksNow(), ASKED_LIMIT_MS),
  )
  return {
    registry,
    core: coreMetrics(registry),
    requests: requestMetrics(registry, HOT_ROUTE),
    commands: commandMetrics(registry, commandCodes()),
    tokens: tokenMetrics(registry),
    neighbours: neighbourMetrics(registry),
    refusals: refusalMetrics(registry),
    strangler: (routeIds: readonly string[]) => stranglerMetrics(registry, routeIds),
    serving({ near, issuer, checks, ...parts }: Serving) {
      measure(registry, parts)
      checksNow = checks
      if (near !== null) nearMetrics(registry, near)
      if (issuer !== null) issuerMetrics(registry, issuer)
    },
  }
}

/** `near`, `issuer` null: there is none. */
type Serving = Measured & Pick<HealthDeps, 'checks'> & { near: Near['figures']; issuer: Authenticator['state'] | null }

export type WorkerMetrics = ReturnType<typeof wireWorkerMetrics>
/** What a worker counts. Each part is there when it is asked for, once. */
export function wireWorkerMetrics(registry: MetricRegistry) {
  const database = once(() => databaseMetrics(registry))
  const core = once(() => coreMetrics(registry, database()))
  const build = once((epoch: string) => tellBuild(registry, epoch))
  return {
    core,
    relaying: once(() => ({ database: database(), relay: relayMetrics(registry), build })),
    projecting: once(() => feedMetrics(registry)),
    reading: (parts: Measured) => measure(registry, parts, build),
    working: (given: Working) => workingMetrics(registry, given),
  }
}

/** Workers of one process share what they count. */
function once<Given extends unknown[], Made>(make: (...given: Given) => Made): (...given: Given) => Made {
  let made: { value: Made } | null = null
  return (...given) => {
    made ??= { value: make(...given) }
    return made.value
  }
}

function tellBuild(registry: MetricRegistry, epoch: string): void {
  buildMetrics(registry, { version: RELEASE, schema: String(SCHEMA), epoch, node: process.versions.node })
}

function measure(
  registry: MetricRegistry,
  { keys, freshness, pools }: Measured,
  build = (epoch: string) => tellBuild(registry, epoch),
): void {
  build(keys.epoch)
  lagMetrics(registry, freshness.ageMs)
  if (pools !== null) poolMetrics(registry, pools)
}

type Working = { config: Config; parts: Parts; jobs: Pick<Jobs, 'counts'> }
function workingMetrics(registry: MetricRegistry, { config, parts, jobs }: Working): void {
  const outbox = outboxFigures(parts.database)
  const duties = [
    ...(config.feed.kind === 'kafka' ? (['changes'] as const) : []),
    ...(config.events === null ? [] : (['events'] as const)),
  ]
  const leases = duties.map((duty) => ({
    duty,
    ...relayLease(parts.database, { lease: duty, leaseMs: config.feed.relayLeaseMs }),
  }))
  const held = async () =>
    Object.fromEntries(await Promise.all(leases.map(async ({ duty, look }) => [duty, (await look()).isHeld] as const)))
  sharedMetrics(
    registry,
    { causes: CAUSES, chainFaults: Object.keys(CHAIN_FAULTS), queues: QUEUES },
    {
      consistency: asksOnce(async () => figuresOf(await readConsistency(parts)), ASKED_LIMIT_MS),
      outbox: asksOnce(outbox, ASKED_LIMIT_MS),
      leases: asksOnce(held, ASKED_LIMIT_MS),
      chains: asksOnce(async () => chainFigures(await parts.tally.read(), Date.now()), ASKED_LIMIT_MS),
      jobs: asksOnce(jobs.counts, ASKED_LIMIT_MS),
      memory: asksOnce(parts.redis.memory, ASKED_LIMIT_MS),
    },
  )
}

function figuresOf({ sample, ahead, ...rest }: Awaited<ReturnType<typeof readConsistency>>) {
  return { ...rest, ...sample, ahead: ahead.length }
}

/** All by which a command may be refused. */
function commandCodes(): string[] {
  return problemCodes().map(([code]) => code)
}

/** Where `registry` is read, and with it what the process tells of itself. One a process. */
export function metricsServer(registry: MetricRegistry, log: Log, others?: () => Promise<SentMetrics>) {
  const server = expositionServer({ registry: others ? withOthers(registry, others) : registry, log })
  const stopMeasuring = processMetrics(registry)
  return {
    listen: server.listen,
    async close(): Promise<void> {
      await server.close()
      stopMeasuring()
    },
  }
}
