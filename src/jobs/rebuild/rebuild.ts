import type { Job } from '../../ports/jobs.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import { MAX_BULK_USERS, type Truth } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import type { Keys, Partition } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'
import { OtherIncarnationError } from '../../projections/user/store.ts'

/** The incarnations to build under, by the partitions' numbers. */
export type RebuildData = { incarnations: Record<string, string> }
/** Everybody up to `after` has been projected under those incarnations. */
export type RebuildProgress = { after: number; done: number; total: number }
/**
 * `overtaken`: Redis has begun another incarnation, and all of it must be done again. `ahead`: built, but the auditor
 * found Redis ahead of the database, so that lists stay off.
 */
export type RebuildResult = { outcome: 'built' | 'overtaken' | 'ahead'; users: number }
export type RebuildJob = Job<RebuildData, RebuildProgress>

export type RebuildDeps = {
  redis: Pick<ReadModelRedis, 'refreshIncarnation'>
  keys: Keys
  truth: Pick<Truth, 'userIds' | 'countUsers'>
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
  guard: Pick<IncarnationGuard, 'markBuilt' | 'isAhead'>
}

const EVERYBODY = { branchId: null, role: null, status: null }
/**
 * Ranges that are projected at the same time. While Redis applies one, the database is read for the next; more than two
 * bring nothing where reading is the longer part, and the database is not there for rebuilds alone.
 */
const CONCURRENT_RANGES = 2

/**
 * Projects every user of some partitions again, range after range, while everything else goes on: what is newer in Redis
 * stays. Memory holds a few ranges. Goes on from the last range that is known to be finished, whoever finished it.
 */
export function rebuilder(deps: RebuildDeps) {
  return async (job: RebuildJob): Promise<RebuildResult> => {
    const incarnations = incarnationsOf(deps.keys, job.data)
    try {
      for (const [partition, incarnation] of incarnations) {
        if ((await deps.redis.refreshIncarnation(partition.inc)) !== incarnation) throw new OtherIncarnationError()
      }
      const home = incarnations.get(deps.keys.home)
      if (home !== undefined) await deps.projector.projectRoles(home)
      const users = await projectAll(deps, job, incarnations)
      return { outcome: await finish(deps, incarnations), users }
    } catch (error) {
      if (!(error instanceof OtherIncarnationError)) throw error
      return { outcome: 'overtaken', users: 0 }
    }
  }
}

/** A build that stands in no queue: nobody goes on with it. */
export function unqueued(
  data: RebuildData,
  { onProgress = () => undefined, stop = new AbortController().signal }: UnqueuedOptions = {},
): RebuildJob {
  return { data, progress: null, keep: async (progress) => onProgress(progress), stop }
}
type UnqueuedOptions = { onProgress?: (progress: RebuildProgress) => void; stop?: AbortSignal }

/** What to build these partitions under: their present incarnations. Null: not all are prepared yet. */
export function dataFor(partitions: Partition[], redis: Pick<ReadModelRedis, 'incarnation'>): RebuildData | null {
  const incarnations: RebuildData['incarnations'] = {}
  for (const { index, inc } of partitions) {
    const incarnation = redis.incarnation(inc)
    if (incarnation === null) return null
    incarnations[index] = incarnation
  }
  return { incarnations }
}

type Range = { last: number; users: number; projected: Promise<void> }

async function projectAll(
  { keys, truth, projector }: RebuildDeps,
  job: RebuildJob,
  incarnations: Map<Partition, string>,
): Promise<number> {
  const counted = await truth.countUsers()
  let { after, done } = job.progress ?? { after: 0, done: 0 }
  const begun: Range[] = []
  const finishFirst = async () => {
    const range = begun[0]
    if (!range) return
    await range.projected
    begun.shift()
    done += range.users
    await job.keep({ after: range.last, done, total: Math.max(counted, done) })
  }
  await job.keep({ after, done, total: Math.max(counted, done) })
  try {
    for (;;) {
      job.stop.throwIfAborted()
      const userIds = await truth.userIds(EVERYBODY, after, MAX_BULK_USERS)
      const last = userIds.at(-1)
      if (last === undefined) break
      const wanted = userIds.filter((userId) => incarnations.has(keys.of(userId)))
      const projected = projector.projectUsers(wanted, incarnations)
      // It is waited for below; until then its failure must not pass for one that nobody handles.
      projected.catch(() => undefined)
      begun.push({ last, users: userIds.length, projected })
      if (begun.length >= CONCURRENT_RANGES) await finishFirst()
      after = last
    }
    while (begun.length > 0) await finishFirst()
  } finally {
    // Whichever failed: nothing goes on behind the back of whoever takes the job next.
    await Promise.allSettled(begun.map(({ projected }) => projected))
  }
  return done
}

async function finish({ guard }: RebuildDeps, incarnations: Map<Partition, string>): Promise<'built' | 'ahead'> {
  let outcome: 'built' | 'ahead' = 'built'
  for (const [partition, incarnation] of incarnations) {
    if (await guard.isAhead(partition, incarnation)) outcome = 'ahead'
    else if (!(await guard.markBuilt(partition, incarnation))) throw new OtherIncarnationError()
  }
  return outcome
}

function incarnationsOf({ partitions }: Keys, { incarnations }: RebuildData): Map<Partition, string> {
  const wanted = new Map<Partition, string>()
  for (const partition of partitions) {
    const incarnation = incarnations[partition.index]
    if (incarnation !== undefined) wanted.set(partition, incarnation)
  }
  return wanted
}
