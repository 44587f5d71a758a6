import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Keys, Partition } from '../keys.ts'
import { lua } from '../lua.ts'
import { decodeTerms, nameMember, type ProjectedUser, type Terms } from '../user/project.ts'

const STATE = lua(import.meta.url, 'state-n')
const STRAYS = lua(import.meta.url, 'strays-n')
const WITHDRAW = lua(import.meta.url, 'withdraw-3')
const ALARM = lua(import.meta.url, 'alarm-3')
const RELEASE = lua(new URL('../username/', import.meta.url).href, 'release-1')

/** What Redis says of one user, under one incarnation. */
export type UserState = {
  incarnation: string
  /** Whether the indexes count as complete. */
  built: boolean
  version: number | null
  /** SHA-1 of each body, hexadecimal, '' of one that is not there; null: there is neither (nothing, or a fence). */
  digests: { full: string; bare: string } | null
  /** As they are stored. */
  terms: string
  inIds: boolean
  inNames: boolean
  inRosters: boolean
  dirty: boolean
  /** Whom the true username leads to; null: nobody, or there is none. */
  hint: string | null
}
/** A member of an index, and what the user's terms said when it was found not to belong there. */
export type Stray = {
  partition: Partition
  incarnation: string
  userId: number
  terms: string
  key: string
  member: string
}
export type States = ReturnType<typeof readModelStates>

/** The read models as the auditor sees them: what they say, whatever the truth is, and the little that it may take out. */
export function readModelStates({ redis, keys }: { redis: ReadModelRedis; keys: Keys }) {
  return {
    /** `user`: by the truth, which says where it ought to be found. Null: this Redis is not believed now. */
    async of(user: ProjectedUser): Promise<UserState | null> {
      const { userId, terms } = user
      const partition = keys.of(userId)
      const { inc, built, ids, names, dirty } = partition
      const scriptKeys = [inc, built, partition.user(userId), ids, names, dirty]
      for (const branchId of terms?.branches ?? []) scriptKeys.push(partition.branch(branchId))
      const args = [userId, terms ? nameMember(terms.name, userId) : '']
      const [state, hint] = await Promise.all([
        redis.run(STATE, scriptKeys, args) as Promise<[string, string, string, string, string, string, ...number[]]>,
        terms ? redis.get(keys.username(terms.username)) : null,
      ])
      const [incarnation, builtUnder, version, full, bare, heldTerms, inIds, inNames, isDirty, inRosters] = state
      if (incarnation !== redis.incarnation(inc)) {
        // Emptied or exchanged behind an open connection: find out what it is now.
        await redis.refreshIncarnation(inc)
        return null
      }
      return {
        incarnation,
        built: builtUnder === incarnation,
        version: version === '' ? null : Number(version),
        digests: full === '' && bare === '' ? null : { full, bare },
        terms: heldTerms,
        inIds: inIds === 1,
        inNames: inNames === 1,
        inRosters: inRosters === 1,
        dirty: isDirty === 1,
        hint,
      }
    },
    /** The index terms of each, as they are stored, '' where there are none. */
    termsOf: (userIds: number[]): Promise<string[]> =>
      Promise.all(userIds.map(async (userId) => (await redis.hmget(keys.user(userId), 't'))[0]?.toString() ?? '')),
    /** Of these users, all of one partition, those who are shown although `ids` does not have them. */
    async unlisted(partition: Partition, userIds: number[]): Promise<number[]> {
      const scriptKeys = [partition.ids, ...userIds.map(partition.user)]
      return ((await redis.run(STRAYS, scriptKeys, userIds)) as string[]).map(Number)
    },
    /** False: it is in order by now, or gone. */
    async withdraw({ partition, incarnation, userId, terms, key, member }: Stray): Promise<boolean> {
      const scriptKeys = [partition.inc, partition.user(userId), key]
      return (await redis.run(WITHDRAW, scriptKeys, [incarnation, terms, member])) === 1
    },
    /** False: it leads elsewhere by now. */
    releaseHint: async (key: string, value: string): Promise<boolean> =>
      (await redis.run(RELEASE, [key], [value])) === 1,
    /** False: it had been raised already. */
    async raiseAlarm({ inc, built, ahead }: Partition, incarnation: string): Promise<boolean> {
      return (await redis.run(ALARM, [inc, built, ahead], [incarnation])) === 1
    },
    endAlarm: ({ ahead }: Partition): Promise<void> => redis.del(ahead),
    decode: (terms: string): Terms | null => decodeTerms(terms),
  }
}
