import type { Job } from '../../ports/jobs.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import type { States } from '../../projections/consistency/states.ts'
import type { Examination, Tally } from '../../projections/consistency/tally.ts'
import type { Keys, Partition } from '../../projections/keys.ts'
import type { Examine } from './examine.ts'
import type { Mend } from './mend.ts'
import { type Pace, pace } from './pace.ts'
import type { FindStrays } from './strays.ts'

/** Of members of indexes: these are looked up in Redis alone, and only what is odd is asked of the database. */
const MEMBERS_PER_SECOND = 20_000

export type WalkProgress = Examination & {
  /** First the users of the database, then what Redis has beside them. */
  phase: 'users' | 'indexes'
  after: number
  done: number
  total: number
  startedAt: number
  /** Partitions in which Redis was found ahead of the database. */
  ahead: number[]
}
export type WalkJob = Pick<Job<unknown, WalkProgress>, 'progress' | 'keep' | 'stop'>

type Deps = {
  redis: Pick<ReadModelRedis, 'zrangeByScore'>
  keys: Keys
  truth: Pick<Truth, 'userIds' | 'countUsers'>
  states: Pick<States, 'endAlarm'>
  examine: Examine
  mend: Mend
  findStrays: FindStrays
  auditRoles(): Promise<boolean>
  tally: Pick<Tally, 'walked' | 'noAlarm'>
  usersPerSecond: number
  now(): number
}

const EVERYBODY = { branchId: null, role: null, status: null }

/** Compares everybody, range after range, at a bounded rate, and then looks for what Redis has too much. */
export function walker(deps: Deps) {
  return async (job: WalkJob): Promise<Examination> => {
    const progress: WalkProgress = job.progress ?? {
      ...{ phase: 'users', after: 0, done: 0, checked: 0, differing: 0, moving: 0, ahead: [] },
      ...{ total: await deps.truth.countUsers(), startedAt: deps.now() },
    }
    if (await deps.auditRoles()) progress.differing += 1
    if (progress.phase === 'users') await walkUsers(deps, job, progress)
    progress.phase = 'indexes'
    await job.keep(progress)
    progress.differing += await deps.findStrays(pace(MEMBERS_PER_SECOND, job.stop))
    await endAlarms(deps, progress.ahead)
    const { checked, differing, moving, startedAt } = progress
    const endedAt = new Date(deps.now()).toISOString()
    await deps.tally.walked({ checked, differing, moving, endedAt, ms: deps.now() - startedAt })
    return { checked, differing, moving }
  }
}

async function walkUsers(deps: Deps, job: WalkJob, progress: WalkProgress): Promise<void> {
  const inTime: Pace = pace(deps.usersPerSecond, job.stop)
  for (;;) {
    const { after } = progress
    const userIds = await deps.truth.userIds(EVERYBODY, after, MAX_BULK_USERS)
    const last = userIds.at(-1) ?? Number.POSITIVE_INFINITY
    // Whom Redis lists between these, and the database does not have.
    const existing = new Set(userIds)
    const surplus = (await listedIds(deps, after, last)).filter((userId) => !existing.has(userId))
    for (const part of [userIds, ...chunks(surplus)]) {
      if (part.length === 0) continue
      await inTime(part.length)
      const { checked, moving, findings } = await deps.examine(part)
      progress.differing += await deps.mend(findings)
      progress.checked += checked
      progress.moving += moving
      for (const { found, causes } of findings) {
        if (causes.includes('ahead')) progress.ahead.push(deps.keys.of(found.userId).index)
      }
    }
    progress.ahead = [...new Set(progress.ahead)]
    if (userIds.length === 0) return
    progress.after = last
    progress.done += userIds.length
    progress.total = Math.max(progress.total, progress.done)
    await job.keep(progress)
  }
}

/** Members of all partitions' `ids` above `after`, up to `last`. */
async function listedIds({ redis, keys }: Deps, after: number, last: number): Promise<number[]> {
  const expected = Math.ceil(MAX_BULK_USERS / keys.partitions.length)
  const listedIn = async ({ ids }: Partition): Promise<number[]> => {
    const listed: number[] = []
    for (let above = after; ; ) {
      const page = (await redis.zrangeByScore(ids, above, expected + 1)).map(Number)
      listed.push(...page.filter((id) => id <= last))
      const highest = Math.max(...page)
      // A member whose score is not its id would turn this into a circle.
      if (page.length <= expected || highest > last || highest <= above) return listed
      above = highest
    }
  }
  return (await Promise.all(keys.partitions.map(listedIn))).flat()
}

function chunks(userIds: number[]): number[][] {
  const count = Math.ceil(userIds.length / MAX_BULK_USERS)
  return Array.from({ length: count }, (_, i) => userIds.slice(i * MAX_BULK_USERS, (i + 1) * MAX_BULK_USERS))
}

/** A whole walk has found nothing ahead: the database has caught up, and lists may be built again. */
async function endAlarms({ keys, states, tally }: Deps, ahead: number[]): Promise<void> {
  for (const partition of keys.partitions) {
    if (ahead.includes(partition.index)) continue
    await states.endAlarm(partition)
    await tally.noAlarm(partition.index)
  }
}
