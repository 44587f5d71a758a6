import type { Config } from './config.ts'
import type { WalkProgress } from './jobs/audit/walk.ts'
import { dataFor, type RebuildData, type RebuildResult, rebuilder, unqueued } from './jobs/rebuild/rebuild.ts'
import { type RebuildQueue, rebuildKey } from './jobs/rebuild/requests.ts'
import type { Log } from './ports.ts'
import type { ConsistencyReport } from './projections/consistency/report.ts'
import type { Examination } from './projections/consistency/tally.ts'
import { readConsistency, wireCore } from './wiring.ts'
import { OutOfReachError } from './wiring-database.ts'
import { patient, wireAuditor, wireJobs } from './wiring-workers.ts'

const FOLLOW_EVERY_MS = 100

async function wireReady(config: Config, log: Log) {
  const parts = await wireCore(patient(config), log)
  if (parts.redis.isReady()) return parts
  await parts.close()
  throw new OutOfReachError('Redis does not answer: is it running, and REDIS_URL right?')
}

export type Rebuilt = RebuildResult | { outcome: 'left'; where: 'here' | 'elsewhere' | 'nowhere' }
export type Following = { onProgress(done: number, total: number): void; stop: AbortSignal }

/**
 * Has everything built again and waits for it. A worker does it; where none is free, this process takes a hand. `left`:
 * told to stop before it was done; the job stays, but for `nowhere`.
 */
export async function rebuildOnce(config: Config, log: Log, following: Following): Promise<Rebuilt> {
  const parts = await wireReady(config, log)
  const jobs = wireJobs(config, parts, log)
  const rebuild = rebuilder(parts)
  const forgetUs = parts.schemas.keepSeen()
  const buildHere = async (data: RebuildData, { onProgress, stop }: Following): Promise<Rebuilt> => {
    const job = unqueued(data, { onProgress: ({ done, total }) => onProgress(done, total), stop })
    return rebuild(job).catch((error) => {
      if (stop.aborted) return { outcome: 'left', where: 'nowhere' }
      throw error
    })
  }
  const buildByJob = async (id: string, asked: Following): Promise<Rebuilt> => {
    let where: 'here' | 'elsewhere' = 'elsewhere'
    // Idle workers were there before, so they come first.
    const helper = jobs.rebuilds.work((job) => {
      where = 'here'
      return rebuild(job)
    }, 1)
    const result = await follow(jobs.rebuilds, id, asked).finally(helper.stop)
    return result ?? { outcome: 'left', where }
  }
  try {
    await parts.guard.check()
    const data = dataFor(parts.keys.partitions, parts.redis)
    if (data === null) throw new OutOfReachError('Redis is being prepared; try again in a moment.')
    const id = await jobs.rebuilds.add(rebuildKey(data), data).catch(() => null)
    // The read models do not depend on the Redis of the jobs.
    return id === null ? await buildHere(data, following) : await buildByJob(id, following)
  } finally {
    forgetUs()
    await jobs.close()
    await parts.close()
  }
}

async function follow(queue: RebuildQueue, id: string, { onProgress, stop }: Following): Promise<RebuildResult | null> {
  while (!stop.aborted) {
    const state = await queue.find(id)
    if (state?.state === 'done') {
      if (state.result.users > 0) onProgress(state.result.users, state.result.users)
      return state.result
    }
    if (state === null || state.state === 'failed')
      throw new Error(`the build failed: ${state?.reason ?? 'it is gone'}`)
    if (state.progress) onProgress(state.progress.done, state.progress.total)
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS))
  }
  return null
}

export type AuditWhat = { kind: 'sample' } | { kind: 'all' } | { kind: 'user'; userId: number }

/** Audits in this process, now. */
export async function auditOnce(config: Config, log: Log, what: AuditWhat, following: Following): Promise<Examination> {
  const parts = await wireReady(config, log)
  try {
    await Promise.all(parts.keys.partitions.map(({ inc }) => parts.redis.refreshIncarnation(inc)))
    const { users, sample, walk } = wireAuditor(config, parts, log)
    if (what.kind === 'user') return await users([what.userId])
    if (what.kind === 'sample') return await sample()
    const keep = async ({ done, total }: WalkProgress) => following.onProgress(done, total)
    return await walk({ progress: null, keep, stop: following.stop })
  } finally {
    await parts.close()
  }
}

/** What the auditor has measured, asked for once. */
export async function consistencyOnce(config: Config, log: Log): Promise<ConsistencyReport> {
  const parts = await wireReady(config, log)
  try {
    await Promise.all([
      parts.freshness.look(),
      ...parts.keys.partitions.map(({ inc }) => parts.redis.refreshIncarnation(inc)),
    ])
    return await readConsistency(parts)
  } finally {
    await parts.close()
  }
}
export type { ConsistencyReport } from './projections/consistency/report.ts'
