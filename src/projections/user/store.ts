import type { ReadModelRedis } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import { batchedRead } from './batched-read.ts'
import { decodeTerms, encodeTerms, nameMember, type ProjectedUser, type Terms } from './project.ts'

const APPLY = lua(import.meta.url, 'apply-n')
const FENCE = lua(import.meta.url, 'fence-2')
/** Terms move only when somebody else applies the same user at that moment. */
const MAX_APPLY_ATTEMPTS = 5

/** An entry with a body; an empty body is a tombstone. */
export type UserEntry = { version: number; body: Buffer; terms: Terms | null }
export type UserReadModel = ReturnType<typeof userReadModel>

/** What was read belongs to an earlier life of Redis: read the incarnation, then the truth, again. */
export class OtherIncarnationError extends Error {
  constructor() {
    super('Redis has begun another incarnation')
    this.name = 'OtherIncarnationError'
  }
}

/** The users' entries in Redis, and the scripts that are the only writers of them and of the indexes. */
export function userReadModel({ redis, keys }: { redis: ReadModelRedis; keys: Keys }) {
  return {
    /** The hot read: version and body as they are stored. */
    read: batchedRead({ redis, keys }),
    async readWithTerms(userId: number): Promise<UserEntry | null> {
      const [version, body, terms] = await redis.hmget(keys.user(userId), 'v', 'b', 't')
      if (!version || !body || redis.incarnation() === null) return null
      return { version: Number(version), body, terms: decodeTerms(terms?.toString() ?? '') }
    },
    /** `incarnation` was read before the truth that `user` was made from. Answers false when Redis is already newer. */
    async apply(user: ProjectedUser, incarnation: string): Promise<boolean> {
      let held = (await redis.hmget(keys.user(user.userId), 't'))[0]?.toString() ?? ''
      for (let attempt = 1; attempt <= MAX_APPLY_ATTEMPTS; attempt += 1) {
        const { scriptKeys, args } = applyCall(keys, user, incarnation, held)
        const [result, detail] = (await redis.run(APPLY, scriptKeys, args)) as [string, string | undefined]
        if (result === 'incarnation') throw new OtherIncarnationError()
        if (result === 'older') return false
        if (result === 'applied') {
          await moveHint(redis, keys, user, decodeTerms(held))
          return true
        }
        held = detail ?? ''
      }
      throw new Error(`the index terms of user ${user.userId} kept moving`)
    },
    async fence(userId: number, version: number): Promise<boolean> {
      return (await redis.run(FENCE, [keys.user(userId), keys.dirty], [userId, version])) === 1
    },
  }
}

function applyCall(keys: Keys, user: ProjectedUser, incarnation: string, heldText: string) {
  const held = decodeTerms(heldText)
  const joined = user.terms?.branches ?? []
  const left = (held?.branches ?? []).filter((branchId) => !joined.includes(branchId))
  const member = (terms: Terms | null) => (terms ? nameMember(terms.name, user.userId) : '')
  return {
    scriptKeys: [
      keys.user(user.userId),
      keys.inc,
      keys.names,
      keys.ids,
      keys.dirty,
      ...[...left, ...joined].map(keys.branch),
    ],
    args: [
      incarnation,
      user.userId,
      user.version,
      user.body,
      encodeTerms(user.terms),
      heldText,
      member(held),
      member(user.terms),
      left.length,
    ],
  }
}

const RELEASE = lua(new URL('../username/', import.meta.url).href, 'release-1')

/** Hints live in other slots, so they are written after the entry and may lag: each use checks them. */
async function moveHint(redis: ReadModelRedis, keys: Keys, user: ProjectedUser, held: Terms | null): Promise<void> {
  const id = String(user.userId)
  const old = held && held.username !== user.terms?.username ? keys.username(held.username) : null
  await Promise.all([
    user.terms ? redis.set(keys.username(user.terms.username), id) : null,
    old ? redis.run(RELEASE, [old], [id]) : null,
  ])
}
