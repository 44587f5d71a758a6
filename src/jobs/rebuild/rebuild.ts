import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import type { Keys, Partition } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'

export type RebuildDeps = {
  redis: Pick<ReadModelRedis, 'incarnation'>
  keys: Keys
  truth: Pick<Truth, 'userIds' | 'countUsers'>
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
  guard: Pick<IncarnationGuard, 'markBuilt'>
}
export type Progress = (done: number, total: number) => void

const EVERYBODY = { branchId: null, role: null, status: null }

/**
 * Projects every user of these partitions again, range after range, while everything else goes on: what is newer in
 * Redis stays. Memory holds one range at a time. Rejects when Redis begins another incarnation meanwhile: then all of it
 * must be done again.
 */
export async function rebuild(
  { redis, keys, truth, projector, guard }: RebuildDeps,
  partitions: Partition[],
  onProgress: Progress,
): Promise<number> {
  const incarnations = new Map(partitions.map((partition) => [partition, incarnationOf(redis, partition)]))
  const total = await truth.countUsers()
  onProgress(0, total)
  const home = incarnations.get(keys.home)
  if (home !== undefined) await projector.projectRoles(home)
  let done = 0
  // The next range is looked up while this one is being projected; both are waited for, whichever fails.
  let userIds = await truth.userIds(EVERYBODY, 0, MAX_BULK_USERS)
  for (let last = userIds.at(-1); last !== undefined; last = userIds.at(-1)) {
    const wanted = userIds.filter((userId) => incarnations.has(keys.of(userId)))
    const [next] = await Promise.all([
      truth.userIds(EVERYBODY, last, MAX_BULK_USERS),
      projector.projectUsers(wanted, incarnations),
    ])
    done += userIds.length
    onProgress(done, Math.max(total, done))
    userIds = next
  }
  for (const [partition, incarnation] of incarnations) {
    if (!(await guard.markBuilt(partition, incarnation))) throw new Error('Redis has begun another incarnation')
  }
  return done
}

function incarnationOf(redis: RebuildDeps['redis'], { inc }: Partition): string {
  const incarnation = redis.incarnation(inc)
  if (incarnation === null) throw new Error('no worker has prepared this Redis yet')
  return incarnation
}
