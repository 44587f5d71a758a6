import type { ReadModelRedis, Truth } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import type { Projector } from '../../projections/projector.ts'

export type RebuildDeps = {
  redis: Pick<ReadModelRedis, 'incarnation'>
  truth: Pick<Truth, 'userIds' | 'countUsers'>
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
  guard: Pick<IncarnationGuard, 'markBuilt'>
}
export type Progress = (done: number, total: number) => void

const EVERYBODY = { branchId: null, role: null, status: null }

/**
 * Projects every user again, range after range, while everything else goes on: what is newer in Redis stays. Memory
 * holds one range at a time. Rejects when Redis begins another incarnation meanwhile: then all of it must be done again.
 */
export async function rebuild({ redis, truth, projector, guard }: RebuildDeps, onProgress: Progress): Promise<number> {
  const incarnation = redis.incarnation()
  if (incarnation === null) throw new Error('no worker has prepared this Redis yet')
  const total = await truth.countUsers()
  onProgress(0, total)
  await projector.projectRoles(incarnation)
  let done = 0
  // The next range is looked up while this one is being projected.
  let next = truth.userIds(EVERYBODY, 0, MAX_BULK_USERS)
  for (;;) {
    const userIds = await next
    const last = userIds.at(-1)
    if (last === undefined) break
    next = truth.userIds(EVERYBODY, last, MAX_BULK_USERS)
    // Awaited only after the projecting; a scan that fails before then must not count as a failure that nobody sees.
    next.catch(() => undefined)
    await projector.projectUsers(userIds, incarnation)
    done += userIds.length
    onProgress(done, Math.max(total, done))
  }
  if (!(await guard.markBuilt(incarnation))) throw new Error('Redis has begun another incarnation')
  return done
}
