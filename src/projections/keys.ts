import { normaliseUsername } from '../domain/user.ts'

/**
 * Raised whenever what a key holds changes its meaning or shape: a release with another number builds its read models
 * beside the old ones.
 */
export const SCHEMA = 3

/** So many hash tags that each master of a cluster serves one: with 32 masters all but surely. */
const BEAT_SLOTS = 512

/**
 * Users are spread over partitions by id. All keys of a partition share one slot of a Redis Cluster, so one script may
 * touch them; each partition has an incarnation, a mark and a `built` of its own, because each may live on another master.
 */
export type Partition = ReturnType<typeof partitionKeys>
export type Keys = ReturnType<typeof readModelKeys>

/** Other read models of the same database: of a release that is on its way out, or in. */
export type SchemaTag = string

/** All keys of one epoch, schema and number of partitions. */
export function readModelKeys(epoch: string, partitionCount = 1) {
  return keysOf(epoch, schemaTag(SCHEMA, partitionCount))
}

/** Another number of partitions is another schema: the same user lies elsewhere. */
export function schemaTag(schema: number, partitionCount: number): SchemaTag {
  return partitionCount === 1 ? `${schema}` : `${schema}p${partitionCount}`
}

/** The keys of any schema, also of one whose bodies this release does not know. */
export function keysOf(epoch: string, tag: SchemaTag) {
  const count = Number(/p(\d+)$/.exec(tag)?.[1] ?? 1)
  const suffix = `${epoch}.${tag}:`
  const partitions = Array.from({ length: count }, (_, index) => partitionKeys(index, suffix))
  const [first] = partitions
  if (!first) throw new RangeError(`a schema without partitions: ${tag}`)
  const of = (userId: number): Partition => partitions[userId % count] ?? first
  return {
    epoch,
    tag,
    partitions,
    of,
    user: (userId: number) => of(userId).user(userId),
    /** All users' entries begin with one of these, and nothing else does. */
    userPrefixes: partitions.map(({ base }) => `${base}id:`),
    /** The role catalogue is one entry, and lives with the first partition's incarnation. */
    roles: `${first.base}roles`,
    home: first,
    /** Which stream of changes the marks come from. */
    stream: `${first.base}stream`,
    /** Hash: what the auditor and the workers have counted. */
    tally: `${first.base}tally`,
    /** The prefix of the job queue's keys: each schema has jobs of its own, and they go when it is retired. */
    jobs: `{usrjobs}:${epoch}.${tag}`,
    /** Hash: schema → when a process that uses it was last seen. The same key for all releases. */
    schemas: `{usr0}:${epoch}:schemas`,
    /** Pub/sub channel: something was committed. The same for all releases. */
    changed: `{usr0}:${epoch}:changed`,
    /** Pub/sub channel: an operator has set a switch. The same for all releases. */
    switched: `{usr0}:${epoch}:switched`,
    username: (username: string) => {
      const name = normaliseUsername(username)
      // A brace would end the hash tag early: such names (none that this service gave) share one slot.
      return `{usr:n${/[{}]/.test(name) ? '' : name}}:${suffix}${name}`
    },
    /** The username that a key is the hint of; null: it is another key. */
    usernameOf: (key: string): string | null => {
      const at = key.indexOf(`}:${suffix}`)
      return key.startsWith('{usr:n') && at >= 0 ? key.slice(at + suffix.length + 2) : null
    },
    /** Matches every key of this service, whatever its epoch and schema, and may match others' (see epochOf). */
    everything: '{usr*}:*',
    /** As `everything`, of this epoch and schema only. */
    ownEverywhere: `{usr*}:${suffix}*`,
    /** The near caches' proofs that they are told. `~` sorts last: Redis tells of prefixes in their order. */
    beats: Array.from({ length: BEAT_SLOTS }, (_, n) => `{usr~${n}}:${suffix}`),
    jobsEverywhere: `{usrjobs}:${suffix}*`,
    hintsEverywhere: `{usr:n*}:${suffix}*`,
  }
}

/**
 * The copy of what another service says of an id. It belongs to no epoch: our database knows nothing of it. `shape` is
 * raised when what is kept changes its shape; the old copies expire.
 */
export function foreignKey(kind: string, shape: number, id: string): string {
  // Other programs write ids as they like: a brace would end the hash tag early.
  const safe = /^[\w.-]+$/.test(id) ? id : `~${Buffer.from(id, 'utf16le').toString('base64url')}`
  return `{usr:f${kind}:${safe}}:${shape}`
}
export const isForeignKey = (key: string): boolean => /^\{usr:f[a-z]+(?:-[0-9a-f]+)?:[\w.~-]+\}:\d+$/.test(key)

/**
 * The epoch of a key of this service; null: of none, or somebody else's key, though others tag theirs `{usr42}` as well.
 */
export function epochOf(key: string): string | null {
  return /^\{usr(?:\d+|jobs|:n[^}]*)\}:([0-9a-z]+)(?:\.\d+(?:p\d+)?:|:schemas$)/.exec(key)?.[1] ?? null
}

function partitionKeys(index: number, suffix: string) {
  const base = `{usr${index}}:${suffix}`
  return {
    index,
    base,
    user: (userId: number) => `${base}id:${userId}`,
    lease: (userId: number) => `${base}lease:${userId}`,
    branch: (branchId: string) => `${base}branch:${branchId}`,
    names: `${base}names`,
    ids: `${base}ids`,
    dirty: `${base}dirty`,
    /** Sorted set: ids that were asked for and never existed, by when they are forgotten. */
    ghosts: `${base}ghosts`,
    inc: `${base}inc`,
    mark: `${base}mark`,
    built: `${base}built`,
    /** The incarnation under which the auditor found Redis ahead of the database: it is not to count as built. */
    ahead: `${base}ahead`,
  }
}
