import { DomainError } from '../../domain/errors.ts'
import { isUserId, type User } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { TrueUser } from '../../ports.ts'
import type { Freshness } from '../freshness/freshness.ts'
import type { Keys, Partition } from '../keys.ts'
import { projectUser } from '../user/project.ts'
import type { ShownUser } from '../user/shown.ts'
import type { UserViews } from '../user/views.ts'
import { IndexUnusable } from './index-unusable.ts'
import type { Index, Place } from './indexes.ts'

/** More users than this waiting to be projected: lists come from the database altogether. */
const MAX_DIRTY = 500
/** How many users a page may look at before it is given short: bounds a search whose filters let few through. */
const MAX_SCANNED = 1_000

export type Slice<Key> = { users: ShownUser[]; nextAfter: Key | null }
export type Lists = ReturnType<typeof lists>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  views: Pick<UserViews, 'byIds' | 'truths'>
  freshness: Pick<Freshness, 'isOld'>
}

/** A partition whose indexes are whole, under this incarnation. */
type Build = { partition: Partition; incarnation: string }
type Prepared = { builds: Build[]; dirty: TrueUser[] }

/**
 * Pages through an index in Redis, corrected by the truth for the users whose commands are not yet projected: an index
 * is believed for everybody but them.
 */
export function lists({ redis, keys, views, freshness }: Deps) {
  const { prepare, confirm } = preparing({ redis, keys, views, freshness })

  return {
    /**
     * At most `limit` users after `after`. `matches` filters further, by what is shown. Rejects with IndexUnusable when
     * the index cannot be used now; with a DomainError when the database, which corrects it, cannot be asked.
     */
    async page<Key>(
      index: Index<Key>,
      after: Key,
      limit: number,
      matches: (user: ShownUser) => boolean,
    ): Promise<Slice<Key>> {
      return readPage(index, after, limit, matches).catch((error: unknown) => {
        if (error instanceof IndexUnusable || error instanceof DomainError) throw error
        throw new IndexUnusable('redis', { cause: error })
      })
    },
  }

  async function readPage<Key>(index: Index<Key>, first: Key, limit: number, matches: (user: ShownUser) => boolean) {
    const prepared = await prepare()
    const corrections = new Map(prepared.dirty.map((found) => [found.userId, found]))
    const users: ShownUser[] = []
    let after = first
    for (let scanned = 0; scanned < MAX_SCANNED; ) {
      const wanted = limit + 1 - users.length
      const { places, more } = await readPlaces(index, after, wanted, corrections)
      const [shown] = await Promise.all([showAll(places, corrections), confirm(prepared.builds)])
      for (const [i, place] of places.entries()) {
        const user = shown[i]
        if (user?.bodies && matches(user)) users.push(user)
        if (users.length > limit) return { users: users.slice(0, limit), nextAfter: after }
        after = place.key
      }
      if (!more) return { users, nextAfter: null }
      scanned += places.length
    }
    return { users, nextAfter: after }
  }

  /** The next places of the index without the dirty users, merged with where the truth puts those. */
  async function readPlaces<Key>(index: Index<Key>, after: Key, limit: number, dirty: Map<number, TrueUser>) {
    const indexed = await index.read(after, limit + dirty.size)
    if (!indexed.every(({ userId }) => isUserId(userId))) throw new IndexUnusable('damaged')
    const corrected = [...dirty.values()]
      .flatMap(({ user }) => (user ? [index.placeOf(user)] : []))
      .filter((place): place is Place<Key> => place !== null && index.compare(place.key, after) > 0)
    const merged = indexed
      .filter(({ userId }) => !dirty.has(userId))
      .concat(corrected)
      .sort((a, b) => index.compare(a.key, b.key))
    return { places: merged.slice(0, limit), more: merged.length > limit || indexed.length === limit + dirty.size }
  }

  async function showAll<Key>(places: Place<Key>[], dirty: Map<number, TrueUser>) {
    const fresh = new Map<number, ShownUser>()
    for (const { user } of dirty.values()) if (user) fresh.set(user.id, shownFresh(user))
    const others = await views.byIds(places.flatMap(({ userId }) => (fresh.has(userId) ? [] : [userId])))
    const byUserId = new Map(others.map((user) => [user.userId, user]))
    return places.map(({ userId }) => fresh.get(userId) ?? byUserId.get(userId))
  }
}

function shownFresh(user: User): ShownUser {
  const { userId, version, bodies } = projectUser(user)
  return { userId, version, bodies, from: 'database' }
}

/** Whether the indexes may be used, and for whom they may not be believed. */
function preparing({ redis, keys, views, freshness }: Deps) {
  /** Read before the index is: who is projected in between has left `dirty` with the index already right. */
  const prepare = async (): Promise<Prepared> => {
    // First: without Redis nothing is known of changes either.
    if (keys.partitions.some(({ inc }) => redis.runId(inc) === null)) throw new IndexUnusable('redis')
    // Somebody may be missing here, and no single entry would tell.
    if (freshness.isOld()) throw new IndexUnusable('feed')
    const builds = await Promise.all(keys.partitions.map(dirtyOf))
    const dirty = builds.flatMap(({ ids }) => ids)
    if (dirty.length > MAX_DIRTY) throw new IndexUnusable('dirty')
    return { builds, dirty: await views.truths(dirty) }
  }
  const dirtyOf = async (partition: Partition): Promise<Build & { ids: number[] }> => {
    const { inc, built, dirty, ahead } = partition
    const incarnation = redis.incarnation(inc)
    if (incarnation === null) throw new IndexUnusable('unbuilt')
    const [builtUnder, ids] = await Promise.all([redis.get(built), redis.smembers(dirty, MAX_DIRTY + 1)])
    if (builtUnder === incarnation) return { partition, incarnation, ids: ids.map(Number).filter(isUserId) }
    // Built under another: Redis was emptied and built anew on a connection that never broke, so nobody else would look.
    if (builtUnder !== null) await redis.refreshIncarnation(inc)
    throw new IndexUnusable((await redis.get(ahead)) === incarnation ? 'ahead' : 'unbuilt')
  }
  /** Asked after the index was read: one that was emptied or exchanged in between has lost its build. Rejects then. */
  const confirm = async (builds: Build[]): Promise<void> => {
    const held = await Promise.all(
      builds.map(async ({ partition: { inc, built }, incarnation }) => {
        const builtUnder = await redis.get(built)
        return builtUnder === incarnation && redis.incarnation(inc) === incarnation
      }),
    )
    if (held.includes(false)) throw new IndexUnusable('lost')
  }
  return { prepare, confirm }
}
