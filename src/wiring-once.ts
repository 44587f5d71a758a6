import type { Config } from './config.ts'
import type { WalkProgress } from './jobs/audit/walk.ts'
import { dataFor, type RebuildResult, rebuilder } from './jobs/rebuild/rebuild.ts'
import { rebuildKey } from './jobs/rebuild/requests.ts'
import type { Job, JobQueue } from './ports/jobs.ts'
import type { Log } from './ports.ts'
import type { ConsistencyReport } from './projections/consistency/report.ts'
import type { Examination } from './projections/consistency/tally.ts'
import { readConsistency, wireCore } from './wiring-core.ts'
import { OutOfReachError } from './wiring-database.ts'
import { patient, wireAuditor, wireJobs } from './wiring-workers.ts'

const FOLLOW_EVERY_MS = 100

export async function wireReady(config: Config, log: Log) {
  const parts = await wireCore(patient(config), log)
  if (parts.redis.isReady()) return parts
  await parts.close()
  throw new OutOfReachError('Redis does not answer: is it running, and REDIS_URL right?')
}

export type Left = { outcome: 'left'; where: 'here' | 'elsewhere' | 'nowhere' }
export type Rebuilt = RebuildResult | Left
export type Following = { onProgress(done: number, total: number): void; stop: AbortSignal }

/**
 * Has everything built again and waits for it. A worker does it; where none is free, this process takes a hand. `left`:
 * told to stop before it was done; the job stays, but for `nowhere`.
 */
export async function rebuildOnce(config: Config, log: Log, following: Following): Promise<Rebuilt> {
  const parts = await wireReady(config, log)
  const jobs = wireJobs(config, parts, log)
  const forgetUs = parts.schemas.keepSeen()
  try {
    await parts.guard.check()
    const data = dataFor(parts.keys.partitions, parts.redis)
    if (data === null) throw new OutOfReachError('Redis is being prepared; try again in a moment.')
    const rebuilt = await doneOnce(
      { what: 'the build', queue: jobs.rebuilds, handle: rebuilder(parts), key: rebuildKey(data), data },
      following,
    )
    if (rebuilt.outcome !== 'left' && rebuilt.users > 0) following.onProgress(rebuilt.users, rebuilt.users)
    return rebuilt
  } finally {
    forgetUs()
    await jobs.close()
    await parts.close()
  }
}

type Counted = { done: number; total: number }
export type Work<Data, Progress, Result> = {
  what: string
  queue: JobQueue<Data, Progress, Result>
  handle(job: Job<Data, Progress>): Promise<Result>
  key: string
  data: Data
}

/** By a worker, or by this process where none is free, or without the queue: read models do not depend on its Redis. */
export async function doneOnce<Data, Progress extends Counted, Result>(
  work: Work<Data, Progress, Result>,
  following: Following,
): Promise<Result | Left> {
  const { queue, handle, key, data } = work
  const { onProgress, stop } = following
  const id = await queue.add(key, data).catch(() => null)
  if (id === null) {
    const keep = async ({ done, total }: Progress) => onProgress(done, total)
    return handle({ data, progress: null, keep, stop }).catch((error) => {
      if (stop.aborted) return { outcome: 'left', where: 'nowhere' }
      throw error
    })
  }
  let where: 'here' | 'elsewhere' = 'elsewhere'
  // Idle workers were there before, so they come first.
  const helper = queue.work((job) => {
    where = 'here'
    return handle(job)
  }, 1)
  const found = await follow(work, id, following).finally(helper.stop)
  return found ? found.result : { outcome: 'left', where }
}

async function follow<Data, Progress extends Counted, Result>(
  { what, queue }: Pick<Work<Data, Progress, Result>, 'what' | 'queue'>,
  id: string,
  { onProgress, stop }: Following,
): Promise<{ result: Result } | null> {
  while (!stop.aborted) {
    const state = await queue.find(id)
    if (state?.state === 'done') return state
    if (state === null || state.state === 'failed') throw new Error(`${what} failed: ${state?.reason ?? 'it is gone'}`)
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
