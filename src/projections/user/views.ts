import { DomainError } from '../../domain/errors.ts'
import { normaliseUsername } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { TrueUser, Truth } from '../../ports.ts'
import type { Freshness } from '../freshness/freshness.ts'
import { gather } from '../gather.ts'
import type { Keys } from '../keys.ts'
import type { Pause } from '../pause.ts'
import type { VersionFloor } from '../version-floor.ts'
import { missReader } from './misses.ts'
import { isOutage, orNull, project, type ShownUser, shown } from './shown.ts'
import type { UserReadModel } from './store.ts'

/** What readers may ask of the database: users a read, reads at once, and how many may wait. */
const TRUTH_BATCH = 100
const TRUTH_READS = 8
const TRUTH_WAITING = 2_000
/** A name may go to somebody else between the look who has it and the look at them. */
const MAX_NAME_LOOKS = 3

export type UserViews = ReturnType<typeof userViews>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  readModel: UserReadModel
  truth: Truth
  freshness: Pick<Freshness, 'isOld'>
  floor: Pick<VersionFloor, 'user'>
  pause?: Pause
}

/**
 * Users, from Redis when it may be believed, else from the database, and then put into Redis. Whatever fails there, the
 * database answers, within bounds: past them the reader is told `busy`. Nothing is shown that is older than what the
 * database has said here before, or a command has written (version-floor.ts).
 */
export function userViews({ redis, keys, readModel, truth, freshness, floor, pause }: Deps) {
  const bounded = boundedTruth(truth)
  const { readTruth, readVersion } = bounded
  const calledInTruth = nameReader({ redis, keys, readModel }, bounded)
  const readMissed = missReader({ redis, keys, readModel, readTruth, pause })

  const find = async (userId: number, atLeast: number): Promise<ShownUser> => {
    const held = redis.incarnation(keys.of(userId).inc) === null ? null : await readModel.read(userId)
    if (held === null) return shown(userId, project(await readTruth(userId)), 'database')
    const { version, bodies } = held
    const isHit = bodies !== null && version >= atLeast
    const answer = isHit
      ? shown(userId, { version, bodies }, 'redis')
      : await readMissed(userId, Math.max(atLeast, version))
    return answer.from === 'redis' && freshness.isOld() ? confirmed(answer) : answer
  }
  /** Changes wait to be handled: a copy counts only as far as the truth confirms its version. */
  const confirmed = async (hit: ShownUser): Promise<ShownUser> => {
    const version = await readVersion(hit.userId).catch((error) => {
      if (isOutage(error)) return null
      throw error
    })
    if (version === null) return { ...hit, stale: true }
    return version <= hit.version ? hit : readMissed(hit.userId, version)
  }
  /** `atLeast`: a version that the caller knows of, from its own command or from another's event. */
  const byId = async (userId: number, atLeast = 0) =>
    noneBefore(atLeast, await find(userId, Math.max(atLeast, floor.user(userId))))

  return {
    byId,
    byIds: (userIds: number[]): Promise<ShownUser[]> => Promise.all(userIds.map((userId) => byId(userId))),
    /** Past Redis, within the same bounds as every other reader. */
    truths: (userIds: number[]): Promise<TrueUser[]> => Promise.all(userIds.map(readTruth)),
    /** The hint only says where to look: the entry found there must itself have the username, else the database says. */
    async byUsername(username: string, atLeast = 0): Promise<ShownUser | null> {
      const hint = await orNull(redis.get(keys.username(username)))
      const userId = Number(hint)
      if (hint !== null && Number.isSafeInteger(userId)) {
        const entry = await orNull(readModel.readWithTerms(userId))
        const least = Math.max(atLeast, floor.user(userId))
        if (entry && entry.version >= least && entry.terms?.username === normaliseUsername(username)) {
          const hit = shown(userId, entry, 'redis')
          if (!freshness.isOld()) return hit
          // The name may be another's by now.
          const now = await confirmed(hit)
          if (now.version === hit.version) return now
        }
      }
      const found = await calledInTruth(normaliseUsername(username))
      return found && noneBefore(atLeast, found)
    },
  }
}

/** By the truth alone. Nobody is shown who is not called so, whenever they were renamed. */
function nameReader(
  { redis, keys, readModel }: Pick<Deps, 'redis' | 'keys' | 'readModel'>,
  { readTruth, readUsername }: Pick<ReturnType<typeof boundedTruth>, 'readTruth' | 'readUsername'>,
) {
  /** A copy may still have another name. What was wrong in Redis is put right with it. */
  const mended = async (userId: number): Promise<TrueUser> => {
    const incarnation = redis.incarnation(keys.of(userId).inc)
    const found = await readTruth(userId)
    if (incarnation !== null && found.settled && found.version > 0) orNull(readModel.apply(project(found), incarnation))
    return found
  }
  return async (name: string): Promise<ShownUser | null> => {
    for (let looks = 0; looks < MAX_NAME_LOOKS; looks += 1) {
      const holder = await readUsername(name)
      if (holder === null) return null
      const found = await mended(holder)
      if (found.user !== null && normaliseUsername(found.user.username) === name)
        return shown(holder, project(found), 'database')
    }
    throw new DomainError('busy', 'The username goes from one to another while it is read.')
  }
}

function noneBefore(atLeast: number, user: ShownUser): ShownUser {
  if (user.version >= atLeast) return user
  throw new DomainError('version-unknown', `The user is at version ${user.version}, which is before Min-Version.`)
}

/** The same questions asked at the same time are one read; what is more than the bounds allow is refused. */
function boundedTruth(truth: Truth) {
  const bounds = { batch: TRUTH_BATCH, maxReads: TRUTH_READS, maxWaiting: TRUTH_WAITING }
  return {
    readTruth: gather<number, TrueUser>({
      ...bounds,
      read: async (userIds) => new Map((await truth.users(userIds)).map((found) => [found.userId, found])),
    }),
    readVersion: gather<number, number>({ ...bounds, read: truth.versions }),
    readUsername: gather<string, number | null>({
      ...bounds,
      batch: 1,
      read: async (names) => new Map([[names[0] ?? '', await truth.userIdByUsername(names[0] ?? '')]]),
    }),
  }
}
