import { MAX_BULK_USERS, type Truth } from '../../ports.ts'

/** How often ids are drawn, in vain for the most part where few of them are in use. */
const MAX_DRAWS = 10
const EVERYBODY = { branchId: null, role: null, status: null }

type Deps = { truth: Pick<Truth, 'users' | 'userIds' | 'lastUserId'>; random(): number }

/**
 * Draws users by chance, with replacement. Ids are drawn evenly, and those that nobody has are drawn again, so that each
 * user is as likely as any other. Only where ids are so sparse that this does not find enough, the next user after a
 * drawn id is taken, which favours those who come after a gap.
 */
export function userDraw({ truth, random }: Deps) {
  return async (size: number): Promise<number[]> => {
    const last = await truth.lastUserId()
    if (last === 0) return []
    const drawId = () => 1 + Math.floor(random() * last)
    const drawn: number[] = []
    for (let draw = 0; draw < MAX_DRAWS && drawn.length < size; draw += 1) {
      const ids = Array.from({ length: Math.min(MAX_BULK_USERS, size - drawn.length) }, drawId)
      drawn.push(...(await truth.users(ids)).flatMap(({ userId, user }) => (user ? [userId] : [])))
    }
    // Far fewer than asked for, one question each.
    while (drawn.length < size && drawn.length < MAX_BULK_USERS) {
      const [next] = await truth.userIds(EVERYBODY, drawId() - 1, 1)
      if (next === undefined) break
      drawn.push(next)
    }
    return drawn
  }
}
