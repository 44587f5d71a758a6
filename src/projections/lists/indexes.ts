import { foldName, searchName } from '../../domain/names.ts'
import type { User } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Keys, Partition } from '../keys.ts'
import { nameMember, termsOf } from '../user/project.ts'

/** One place in a list: `key` sorts it, and is what a cursor holds. */
export type Place<Key> = { key: Key; userId: number }

/** A list's order, kept in Redis. `placeOf` says where a user stands in it by the truth, or null: not in it. */
export type Index<Key> = {
  first: Key
  compare(a: Key, b: Key): number
  read(after: Key, limit: number): Promise<Place<Key>[]>
  placeOf(user: User): Place<Key> | null
}

type Deps = { redis: ReadModelRedis; keys: Keys }

/** Each partition has a part of every index: the first of each, put in order. */
async function merged<Member>(
  { partitions }: Keys,
  compare: (a: Member, b: Member) => number,
  read: (partition: Partition) => Promise<Member[]>,
): Promise<Member[]> {
  const [first, ...others] = await Promise.all(partitions.map(read))
  if (!first || others.length === 0) return first ?? []
  return first.concat(...others).sort(compare)
}
const numerically = (a: string, b: string): number => Number(a) - Number(b)

/** Everybody, by id. */
export function everybody({ redis, keys }: Deps): Index<number> {
  return byId(
    (after, limit) => merged(keys, numerically, ({ ids }) => redis.zrangeByScore(ids, after, limit)),
    () => true,
  )
}

/** The active users who work at a branch, by id. */
export function roster({ redis, keys }: Deps, branchId: string): Index<number> {
  return byId(
    (after, limit) => merged(keys, numerically, ({ branch }) => redis.zrangeByScore(branch(branchId), after, limit)),
    (user) => termsOf(user).branches.includes(branchId),
  )
}

function byId(
  read: (after: number, limit: number) => Promise<string[]>,
  belongs: (user: User) => boolean,
): Index<number> {
  return {
    first: 0,
    compare: (a, b) => a - b,
    read: async (after, limit) => {
      const ids = await read(after, limit)
      return ids.slice(0, limit).map((id) => ({ key: Number(id), userId: Number(id) }))
    },
    placeOf: (user) => (belongs(user) ? { key: user.id, userId: user.id } : null),
  }
}

/** Everybody whose "family given" begins with `q`, folded, in the order of the names' bytes, then by id. */
export function namesBeginningWith({ redis, keys }: Deps, q: string): Index<string> {
  const prefix = foldName(q)
  // As Redis compares: by bytes of UTF-8, which is the order of code points, not of UTF-16 code units.
  const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  return {
    first: '',
    compare,
    async read(after, limit) {
      // Nothing, or a cursor that somebody made up, stands before the names asked for.
      const min = compare(after, prefix) < 0 ? `[${prefix}` : `(${after}`
      const max = Buffer.concat([Buffer.from(`[${prefix}`), Buffer.from([0xff])])
      const members = await merged(keys, Buffer.compare, ({ names }) => {
        return redis.zrangeByLex(names, Buffer.from(min), max, limit)
      })
      return members.slice(0, limit).map((member) => placeOf(member.toString()))
    },
    placeOf: (user) => {
      const name = searchName(user.familyName, user.givenName)
      return name.startsWith(prefix) ? placeOf(nameMember(name, user.id)) : null
    },
  }
}

function placeOf(member: string): Place<string> {
  return { key: member, userId: Number(member.slice(member.lastIndexOf('\0') + 1)) }
}
