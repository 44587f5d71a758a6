import { jobQueues } from './adapters/bullmq/queues.ts'
import { jobsConnections } from './adapters/redis/jobs-connection.ts'
import { expireHistory } from './adapters/sql/audit-retention.ts'
import { deleteExpiredKeys } from './adapters/sql/command-keys.ts'
import { sqlVersionBumps } from './adapters/sql/version-bumps.ts'
import type { Config } from './config.ts'
import { type Auditor, auditor } from './jobs/audit/auditor.ts'
import { type AuditQueue, scheduleAudits } from './jobs/audit/schedule.ts'
import type { ChainQueue } from './jobs/audit-chain/schedule.ts'
import type { HousekeepingTask } from './jobs/housekeeping/housekeeping.ts'
import { type HousekeepingQueue, scheduleHousekeeping } from './jobs/housekeeping/schedule.ts'
import type { BuildListener } from './jobs/keep-projected/keep-projected.ts'
import { rebuilder } from './jobs/rebuild/rebuild.ts'
import type { RebuildQueue } from './jobs/rebuild/requests.ts'
import { replayer } from './jobs/replay/replay.ts'
import type { ReplayQueue } from './jobs/replay/requests.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Log, Subscription } from './ports.ts'
import { verifyingChains } from './wiring-audit.ts'
import { type Parts, redisUrl, wireCore } from './wiring-core.ts'
import type { ReadEpoch } from './wiring-database.ts'
import { type MetricRegistry, metricRegistry, type WorkerMetrics, wireWorkerMetrics } from './wiring-metrics.ts'
import { startProjecting } from './wiring-projecting.ts'
import { startRelaying } from './wiring-relay.ts'

const WORKER_REDIS_TIMEOUT_MS = 10_000
/** A build that is broken off is tried again soon, and for hours: nobody else makes the read models whole. */
const REBUILD = { attempts: 20_000, retryAfterMs: 500 }
/** The next audit is due soon anyhow; a walk goes on from where it was. */
const AUDIT = { attempts: 20, retryAfterMs: 5_000 }

/** Once a day, from where it was; nobody waits for it. */
const AUDIT_CHAIN = { attempts: 20_000, retryAfterMs: 60_000 }
/** Once a day; nobody waits for it. */
const HOUSEKEEPING = { attempts: 60, retryAfterMs: 60_000 }

/** Who was missed is read from copies that may be old, so an outage is outlasted, for hours. */
const REPLAY = { attempts: 7_200, retryAfterMs: 1_000 }

/** `project` keeps the read models fresh; `jobs` audits, and removes what has expired. Both build them when that is due, and replay. */
export type WorkerRole = 'project' | 'jobs' | 'relay'
export type Workers = Subscription
export const NOBODY: BuildListener = { onProgress: () => undefined, onBuilt: () => undefined }

/** `epochOf` may wait for the database; absent: it is not waited for. */
export type WorkersOptions = {
  listener?: BuildListener
  registry?: MetricRegistry
  epochOf?: ReadEpoch
  tracing?: Tracing | null
}

/** What one process works at. Rejected, nothing of it is left running. */
export async function startWorkers(
  config: Config,
  log: Log,
  roles: WorkerRole[],
  { listener = NOBODY, registry = metricRegistry(), epochOf, tracing = null }: WorkersOptions = {},
): Promise<Workers> {
  const metrics = wireWorkerMetrics(registry)
  const started: Workers[] = []
  const stop = async (): Promise<void> => void (await Promise.all(started.map((each) => each.stop())))
  try {
    if (roles.includes('relay'))
      started.push(await startRelaying(config, log, { ...metrics.relaying(), tracing }, epochOf))
    if (roles.some((role) => role !== 'relay'))
      started.push(await startReading(config, log, { roles, listener, metrics, epochOf, tracing }))
  } catch (error) {
    await stop()
    throw error
  }
  const wake = () => {
    for (const each of started) each.wake()
  }
  return { wake, stop }
}

/** What works at the read models, with one set of connections. */
type Reading = {
  roles: WorkerRole[]
  listener: BuildListener
  metrics: WorkerMetrics
  epochOf: ReadEpoch | undefined
  tracing: Tracing | null
}
async function startReading(config: Config, log: Log, given: Reading): Promise<Workers> {
  const { roles, listener, metrics, epochOf, tracing } = given
  const parts = await wireCore(patient(config), log, { observer: metrics.core(), epochOf, tracing })
  const jobs = wireJobs(config, parts, log, tracing)
  metrics.reading(parts)
  const stopping = new AbortController()
  const [rebuild, replay] = [rebuilder(parts), replayer({ ...parts, log })]
  const started: { stop(): Promise<void> }[] = [jobs.rebuilds.work(rebuild, 1), jobs.replays.work(replay, 1)]
  const forgetUs = parts.schemas.keepSeen()
  const stop = async (): Promise<void> => {
    stopping.abort()
    forgetUs()
    await Promise.all(started.map((each) => each.stop()))
    await jobs.close()
    await parts.close()
  }
  let project: Workers | null = null
  try {
    if (roles.includes('project')) {
      const given = {
        parts,
        observer: metrics.projecting(),
        jobs,
        rebuild,
        replay,
        stop: stopping.signal,
        listener,
        tracing,
      }
      project = await startProjecting(config, log, given)
      started.push(project)
    }
    if (roles.includes('jobs')) {
      const audits = auditing(config, parts, log)
      started.push(scheduleAudits({ queue: jobs.audits, auditor: wireAuditor(config, parts, log), ...audits }))
      const { isReady } = parts.redis
      metrics.working({ config, parts, jobs })
      started.push(verifyingChains({ config, parts, queue: jobs.auditChains, log }))
      const tasks = housekeepingTasks(config, parts)
      started.push(scheduleHousekeeping({ queue: jobs.housekeeping, tasks, tally: parts.tally, isReady, log }))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { wake: () => project?.wake(), stop }
}

export type Jobs = ReturnType<typeof wireJobs>
export function wireJobs(config: Config, { keys }: Parts, log: Log, tracing: Tracing | null = null) {
  const connections = jobsConnections(config.jobs.redisUrl ?? redisUrl(config), log)
  const queues = jobQueues({ connections, prefix: keys.jobs, tracing, log })
  const rebuilds: RebuildQueue = queues.queue('rebuild', REBUILD)
  const audits: AuditQueue = queues.queue('audit', AUDIT)
  const replays: ReplayQueue = queues.queue('replay', REPLAY)
  const auditChains: ChainQueue = queues.queue('audit-chain', AUDIT_CHAIN)
  const housekeeping: HousekeepingQueue = queues.queue('housekeeping', HOUSEKEEPING)
  return { rebuilds, audits, auditChains, replays, housekeeping, counts: queues.counts, close: queues.close }
}

export function wireAuditor({ audit }: Config, parts: Parts, log: Log): Auditor {
  const bumps = sqlVersionBumps(parts.database)
  return auditor({ ...parts, bumps, lagMs: parts.freshness.ageMs, settings: audit, log })
}

function auditing({ audit }: Config, { redis, tally }: Parts, log: Log) {
  const { sampleEveryMs, walkEveryMs, recheckAfterMs } = audit
  const everyMs = { sample: sampleEveryMs, walk: walkEveryMs, recheck: recheckAfterMs }
  return { tally, everyMs, isReady: redis.isReady, log }
}

/** What has expired, and is removed: one line each. */
function housekeepingTasks({ history, commands }: Config, { database }: Parts): HousekeepingTask[] {
  const { keptMs } = history
  return [
    { name: 'idempotency-keys', run: (stop) => deleteExpiredKeys(database, commands.keysKeptMs, stop) },
    ...(keptMs === null ? [] : [{ name: 'audit', run: (stop: AbortSignal) => expireHistory(database, keptMs, stop) }]),
  ]
}

/** Nobody waits for a worker's calls, and its own long turns must not pass for Redis's silence. */
export function patient(config: Config): Config {
  return {
    ...config,
    redis: { ...config.redis, commandTimeoutMs: WORKER_REDIS_TIMEOUT_MS, readDeadlineMs: WORKER_REDIS_TIMEOUT_MS },
  }
}
