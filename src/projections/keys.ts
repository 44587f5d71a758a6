import { normaliseUsername } from '../domain/user.ts'

/**
 * Raised whenever what a key holds changes its meaning or shape: a release with another number builds its read models
 * beside the old ones.
 */
export const SCHEMA = 1

/** All keys of one epoch and schema. The hash tags keep what one script touches in one slot of a Redis Cluster. */
export type Keys = ReturnType<typeof readModelKeys>

export function readModelKeys(epoch: string) {
  const base = `{usr0}:${epoch}.${SCHEMA}:`
  return {
    epoch,
    tag: `${epoch}.${SCHEMA}`,
    user: (userId: number) => `${base}id:${userId}`,
    /** All users' entries begin with one of these, and nothing else does. */
    userPrefixes: [`${base}id:`],
    branch: (branchId: string) => `${base}branch:${branchId}`,
    names: `${base}names`,
    ids: `${base}ids`,
    dirty: `${base}dirty`,
    roles: `${base}roles`,
    /** The near caches' proofs that they are told. `~` sorts last: Redis tells of prefixes in their order. */
    beats: `{usr~}:${epoch}.${SCHEMA}:`,
    inc: `${base}inc`,
    mark: `${base}mark`,
    built: `${base}built`,
    username: (username: string) => {
      const name = normaliseUsername(username)
      // A brace would end the hash tag early: such names (none that this service gave) share one slot.
      return `{usr:n${/[{}]/.test(name) ? '' : name}}:${epoch}.${SCHEMA}:${name}`
    },
    /** Pub/sub channel: something was committed. */
    changed: `${base}changed`,
    /** Matches every key of this service, whatever its epoch and schema. */
    everything: '{usr*}:*',
    isOwnEpoch: (key: string) => key.includes(`}:${epoch}.`),
    isOwn: (key: string) => key.includes(`}:${epoch}.${SCHEMA}:`),
  }
}
