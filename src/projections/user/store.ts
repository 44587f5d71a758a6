import { randomBytes } from 'node:crypto'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import type { Schemas } from '../schemas/schemas.ts'
import { batchedRead, type StoredUser } from './batched-read.ts'
import { storedBodies } from './bodies.ts'
import { decodeTerms, encodeTerms, nameMember, type ProjectedUser, type Terms } from './project.ts'

const APPLY = lua(import.meta.url, 'apply-n')
const FENCE = lua(import.meta.url, 'fence-4')
const LEASE = lua(import.meta.url, 'lease-3')
const GHOST = lua(import.meta.url, 'ghost-4')
/** Terms move only when somebody else applies the same user at that moment. */
const MAX_APPLY_ATTEMPTS = 5
/** Longer than a read of the database and a fill take; a reader who takes longer may not fill any more. */
const LEASE_MS = 3_000
const LEASE_BYTES = 9
/** How long an id that never existed is remembered, and how many of them in each partition. */
const GHOST_MS = 60_000
const MAX_GHOSTS = 50_000

export type UserEntry = StoredUser & { terms: Terms | null }
/** The answer to a reader who wants to fill. */
export type LeaseAnswer = { lease: string } | { stored: StoredUser } | 'taken'
export type UserReadModel = ReturnType<typeof userReadModel>
type Deps = { redis: ReadModelRedis; keys: Keys; schemas: Pick<Schemas, 'others'> }

/** What was read belongs to an earlier life of Redis: read the incarnation, then the truth, again. */
export class OtherIncarnationError extends Error {
  constructor() {
    super('Redis has begun another incarnation')
    this.name = 'OtherIncarnationError'
  }
}

/** The users' entries in Redis, and the scripts that are the only writers of them and of the indexes. */
export function userReadModel({ redis, keys, schemas }: Deps) {
  return {
    /** The hot read: version and bodies as they are stored. */
    read: batchedRead({ redis, keys }),
    async readWithTerms(userId: number): Promise<UserEntry | null> {
      const { inc } = keys.of(userId)
      // They travel together and in this order: had another server's data come in between, the second would tell.
      const reads = [redis.hmget(keys.user(userId), 'v', 'b', 'p', 't'), redis.get(inc)] as const
      const [[version, full, bare, terms], incarnation] = await Promise.all(reads)
      const bodies = storedBodies(full, bare)
      if (!version || !bodies || !incarnation || incarnation !== redis.incarnation(inc)) return null
      return { version: Number(version), bodies, terms: decodeTerms(terms?.toString() ?? '') }
    },
    async lease(userId: number, incarnation: string, atLeast: number): Promise<LeaseAnswer> {
      const partition = keys.of(userId)
      const lease = randomBytes(LEASE_BYTES).toString('base64url')
      const scriptKeys = [partition.user(userId), partition.lease(userId), partition.inc]
      const answer = (await redis.runForReader(LEASE, scriptKeys, [incarnation, lease, LEASE_MS, atLeast])) as string[]
      const [result, version, full = '', bare = ''] = answer
      if (result === 'incarnation') throw new OtherIncarnationError()
      if (result === 'leased') return { lease }
      if (result === 'taken') return 'taken'
      return { stored: { version: Number(version), bodies: { full: Buffer.from(full), bare: Buffer.from(bare) } } }
    },
    /**
     * `incarnation` was read before the truth that `user` was made from; `lease`: a reader's, null for workers. Answers
     * false when Redis is already newer, or the lease has ended.
     */
    async apply(user: ProjectedUser, incarnation: string, lease: string | null = null): Promise<boolean> {
      let held = (await redis.hmget(keys.user(user.userId), 't'))[0]?.toString() ?? ''
      for (let attempt = 1; attempt <= MAX_APPLY_ATTEMPTS; attempt += 1) {
        const { scriptKeys, args } = applyCall(keys, user, held)
        const call = [incarnation, ...args, lease ?? '']
        const [result, detail] = (await redis.run(APPLY, scriptKeys, call)) as [string, string | undefined]
        if (result === 'incarnation') throw new OtherIncarnationError()
        if (result === 'older' || result === 'lease') return false
        if (result === 'applied') {
          await moveHint(redis, keys, user, decodeTerms(held))
          return true
        }
        held = detail ?? ''
      }
      throw new Error(`the index terms of user ${user.userId} kept moving`)
    },
    /** Remembers, within limits, that the id never existed. */
    async ghost(userId: number, incarnation: string, lease: string): Promise<boolean> {
      const { user, inc, lease: leaseKey, ghosts } = keys.of(userId)
      const scriptKeys = [user(userId), inc, leaseKey(userId), ghosts]
      const result = await redis.run(GHOST, scriptKeys, [incarnation, userId, lease, GHOST_MS, MAX_GHOSTS])
      if (result === 'incarnation') throw new OtherIncarnationError()
      return result === 'applied'
    },
    /** In every schema that is in use. False: all are already as new. */
    async fence(userId: number, version: number): Promise<boolean> {
      const [own, others] = await Promise.all([fenceIn(redis, keys, userId, version), schemas.others()])
      const elsewhere = await Promise.all(others.map((one) => fenceIn(redis, one, userId, version)))
      return own || elsewhere.includes(true)
    },
    /** As `fence`, but for the schemas of other releases only: what a worker owes them. */
    async fenceOthers(userId: number, version: number, others: Keys[]): Promise<void> {
      await Promise.all(others.map((one) => fenceIn(redis, one, userId, version)))
    },
  }
}

async function fenceIn(redis: ReadModelRedis, keys: Keys, userId: number, version: number): Promise<boolean> {
  const { user, dirty, lease, ghosts } = keys.of(userId)
  return (await redis.run(FENCE, [user(userId), dirty, lease(userId), ghosts], [userId, version])) === 1
}

function applyCall(keys: Keys, user: ProjectedUser, heldText: string) {
  const held = decodeTerms(heldText)
  const joined = user.terms?.branches ?? []
  const left = (held?.branches ?? []).filter((branchId) => !joined.includes(branchId))
  const member = (terms: Terms | null) => (terms ? nameMember(terms.name, user.userId) : '')
  const partition = keys.of(user.userId)
  const { inc, names, ids, dirty, ghosts } = partition
  const entry = [partition.user(user.userId), inc, names, ids, dirty, partition.lease(user.userId), ghosts]
  return {
    scriptKeys: [...entry, ...[...left, ...joined].map(partition.branch)],
    args: [
      user.userId,
      user.version,
      user.bodies.full,
      user.bodies.bare,
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
