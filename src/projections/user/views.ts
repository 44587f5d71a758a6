import { normaliseUsername } from '../../domain/user.ts'
import type { ReadModelRedis, TrueUser, Truth } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import type { ReadFrom } from '../../wire/answer.ts'
import type { Keys } from '../keys.ts'
import type { StoredBody } from './batched-read.ts'
import { type ProjectedUser, projectGone, projectUser } from './project.ts'
import type { UserReadModel } from './store.ts'

/** A user as clients get them; `body` null: there is no such user. */
export type ShownUser = { userId: number; version: number; body: Buffer | null; from: ReadFrom }
export type KnownUser = ShownUser & { body: Buffer }
export type UserViews = ReturnType<typeof userViews>
type Deps = { redis: ReadModelRedis; keys: Keys; readModel: UserReadModel; truth: Truth }

/**
 * Users, from Redis when it may be believed, else from the database, and then put into Redis. Whatever fails there, the
 * database answers.
 */
export function userViews({ redis, keys, readModel, truth }: Deps) {
  /** The incarnation is read before the truth: what a flush has made old cannot be put in after it. */
  const fromTruth = async (userIds: number[]): Promise<ShownUser[]> => {
    const incarnation = redis.incarnation()
    const users = await truth.users(userIds)
    return users.map((found) => {
      const projected = project(found)
      if (incarnation !== null && found.settled && found.version > 0) fill(projected, incarnation)
      return shown(found.userId, projected, 'database')
    })
  }
  /** Nobody waits for a fill, and nothing depends on it: when it fails, the next reader fills. */
  const fill = (user: ProjectedUser, incarnation: string) => {
    readModel.apply(user, incarnation).catch(() => redis.refreshIncarnation().catch(() => null))
  }
  const byId = async (userId: number): Promise<ShownUser> => {
    const entry = redis.incarnation() === null ? null : await readModel.read(userId)
    if (entry) return shown(userId, entry, 'redis')
    return only(await fromTruth([userId]))
  }

  return {
    byId,
    async byIds(userIds: number[]): Promise<ShownUser[]> {
      if (redis.incarnation() === null) return inChunks(userIds, fromTruth)
      const entries = await Promise.all(userIds.map((userId) => readModel.read(userId)))
      const missing = userIds.filter((_, i) => !entries[i])
      const read = missing.length === 0 ? [] : await inChunks(missing, fromTruth)
      const byUserId = new Map(read.map((user) => [user.userId, user]))
      return userIds.map((userId, i) => {
        const entry = entries[i]
        return entry ? shown(userId, entry, 'redis') : must(byUserId.get(userId))
      })
    },
    /** The hint only says where to look: the entry found there must itself have the username, else the database says. */
    async byUsername(username: string): Promise<ShownUser | null> {
      const hint = redis.incarnation() === null ? null : await orNull(redis.get(keys.username(username)))
      const userId = Number(hint)
      if (hint !== null && Number.isSafeInteger(userId)) {
        const entry = await orNull(readModel.readWithTerms(userId))
        if (entry?.terms?.username === normaliseUsername(username)) return shown(userId, entry, 'redis')
      }
      const found = await truth.userIdByUsername(username)
      return found === null ? null : only(await fromTruth([found]))
    },
  }
}

export function project(found: TrueUser): ProjectedUser {
  return found.user ? projectUser(found.user) : projectGone(found.userId, found.version)
}

function shown(userId: number, { version, body }: StoredBody, from: ReadFrom): ShownUser {
  return { userId, version, body: body.length === 0 ? null : body, from }
}

export function isKnown(user: ShownUser): user is KnownUser {
  return user.body !== null
}

/** Redis out of reach or too slow is no fault of the caller's: the answer comes from the database. */
export async function orNull<Value>(reading: Promise<Value>): Promise<Value | null> {
  try {
    return await reading
  } catch {
    return null
  }
}

async function inChunks(userIds: number[], read: (userIds: number[]) => Promise<ShownUser[]>): Promise<ShownUser[]> {
  const chunks: ShownUser[][] = []
  for (let from = 0; from < userIds.length; from += MAX_BULK_USERS) {
    chunks.push(await read(userIds.slice(from, from + MAX_BULK_USERS)))
  }
  return chunks.flat()
}

function only(users: ShownUser[]): ShownUser {
  return must(users[0])
}

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the truth answered for fewer users than it was asked about')
  return value
}
