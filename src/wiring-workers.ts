import { jobQueues } from './adapters/bullmq/queues.ts'
import { jobsConnections } from './adapters/redis/jobs-connection.ts'
import { subscribe } from './adapters/redis/subscriber.ts'
import { sqlChanges } from './adapters/sql/changes.ts'
import { directFeed } from './adapters/sql/direct-feed.ts'
import { sqlParked } from './adapters/sql/parked.ts'
import { sqlVersionBumps } from './adapters/sql/version-bumps.ts'
import type { Config } from './config.ts'
import { type Auditor, auditor } from './jobs/audit/auditor.ts'
import { type AuditQueue, scheduleAudits } from './jobs/audit/schedule.ts'
import { type BuildListener, keepProjected } from './jobs/keep-projected/keep-projected.ts'
import { type RebuildJob, type RebuildResult, rebuilder } from './jobs/rebuild/rebuild.ts'
import { type RebuildQueue, rebuildRequests } from './jobs/rebuild/requests.ts'
import type { Log } from './ports.ts'
import { type Parts, redisUrl, wireCore } from './wiring.ts'

const WORKER_REDIS_TIMEOUT_MS = 10_000
/** A build that is broken off is tried again soon, and for hours: nobody else makes the read models whole. */
const REBUILD = { attempts: 20_000, retryAfterMs: 500 }
/** The next audit is due soon anyhow; a walk goes on from where it was. */
const AUDIT = { attempts: 20, retryAfterMs: 5_000 }

/** `project` keeps the read models fresh; `jobs` audits. Both build them when that is due. */
export type WorkerRole = 'project' | 'jobs'
export type Workers = { wake(): void; stop(): Promise<void> }
export const NOBODY: BuildListener = { onProgress: () => undefined, onBuilt: () => undefined }

/** What one process works at, with one set of connections. */
export async function startWorkers(
  config: Config,
  log: Log,
  roles: WorkerRole[],
  listener: BuildListener = NOBODY,
): Promise<Workers> {
  const parts = await wireCore(patient(config), log)
  const jobs = wireJobs(config, parts, log)
  const stopping = new AbortController()
  const rebuild = rebuilder(parts)
  const builder = jobs.rebuilds.work(rebuild, 1)
  const forgetUs = parts.schemas.keepSeen()
  const project = roles.includes('project')
    ? startProjecting(config, log, { parts, jobs, rebuild, stop: stopping.signal, listener })
    : null
  const audits = roles.includes('jobs')
    ? scheduleAudits({ queue: jobs.audits, auditor: wireAuditor(config, parts, log), ...auditing(config, parts, log) })
    : null
  return {
    wake: () => project?.wake(),
    async stop() {
      stopping.abort()
      forgetUs()
      await Promise.all([project?.stop(), audits?.stop(), builder.stop()])
      await jobs.close()
      await parts.close()
    },
  }
}

type Projecting = {
  parts: Parts
  jobs: Jobs
  rebuild(job: RebuildJob): Promise<RebuildResult>
  stop: AbortSignal
  listener: BuildListener
}

function startProjecting(config: Config, log: Log, { parts, jobs, rebuild, stop, listener }: Projecting): Workers {
  const { database, redis, truth, keys, guard, schemas, projector, tally } = parts
  const requests = rebuildRequests({ queue: jobs.rebuilds, redis, rebuild, stop, log })
  const { handled, counted } = tally
  const feed = directFeed({
    ...config.feed,
    changes: sqlChanges(database, config.feed),
    parked: sqlParked(database),
    truth,
    log,
    observe: {
      handled,
      retried: counted('retried'),
      parked: counted('parked'),
      claimsLost: counted('claimsLost'),
      waited: () => counted('waited')(1),
    },
  })
  const keeper = keepProjected({
    feed,
    projector,
    guard,
    schemas,
    askForBuild: requests.ask,
    listener,
    redisReady: redis.isReady,
    log,
  })
  const wakes = subscribe(redisUrl(config), keys.changed, keeper.wake, log)
  return {
    wake: keeper.wake,
    async stop() {
      wakes.close()
      await keeper.stop()
    },
  }
}

type Jobs = ReturnType<typeof wireJobs>
export function wireJobs(config: Config, { keys }: Parts, log: Log) {
  const connections = jobsConnections(config.jobs.redisUrl ?? redisUrl(config), log)
  const queues = jobQueues({ connections, prefix: keys.jobs, log })
  const rebuilds: RebuildQueue = queues.queue('rebuild', REBUILD)
  const audits: AuditQueue = queues.queue('audit', AUDIT)
  return { rebuilds, audits, close: queues.close }
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

/** Nobody waits for a worker's calls, and its own long turns must not pass for Redis's silence. */
export function patient(config: Config): Config {
  return {
    ...config,
    redis: { ...config.redis, commandTimeoutMs: WORKER_REDIS_TIMEOUT_MS, readDeadlineMs: WORKER_REDIS_TIMEOUT_MS },
  }
}
