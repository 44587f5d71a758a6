import { LRUCache } from 'lru-cache'
import type { TrueUser, Truth } from '../ports.ts'

/** Some 10 MB at most. Whoever is not among them has not been read from the database here for long. */
const MAX_REMEMBERED = 100_000

/** What is told when a floor rises. */
export type RiseListener = { user(userId: number, version: number): void; roles(version: number): void }
export type VersionFloor = ReturnType<typeof versionFloor>

/**
 * The newest version of each user, and of the role catalogue, that the database has said in this process, or that a
 * command of this process has written. Redis may be behind it: another program's change is not yet projected, a fence could
 * not be put up, somebody has deleted one. Who reads here is shown nothing older, so nobody sees a process go back.
 */
export function versionFloor(maxRemembered = MAX_REMEMBERED) {
  // By size, each of 1: by number, the places of all would be laid out at once, at every start.
  const users = new LRUCache<number, number>({ maxSize: maxRemembered, sizeCalculation: () => 1 })
  let rolesVersion = 0
  const listeners: RiseListener[] = []

  const user = (userId: number): number => users.get(userId) ?? 0
  const raiseUser = (userId: number, version: number): void => {
    if (version <= user(userId)) return
    users.set(userId, version)
    for (const listener of listeners) listener.user(userId, version)
  }
  const raiseRoles = (version: number): void => {
    if (version <= rolesVersion) return
    rolesVersion = version
    for (const listener of listeners) listener.roles(version)
  }
  /** `before`: the floor when the read began. What is below it then shows that the database has gone back: a backup. */
  const heardUser = (userId: number, version: number, before: number): void => {
    if (version >= before) raiseUser(userId, version)
    else users.set(userId, version)
  }
  const heardRoles = (version: number, before: number): void => {
    if (version >= before) raiseRoles(version)
    else rolesVersion = version
  }
  const readUsers = async (userIds: number[], read: () => Promise<TrueUser[]>): Promise<TrueUser[]> => {
    const before = userIds.map(user)
    const found = await read()
    for (const [i, { userId, version, unreadable }] of found.entries())
      if (!unreadable) heardUser(userId, version, before[i] ?? 0)
    return found
  }
  const readRoles = async <Version>(read: () => Promise<Version>, versionOf: (read: Version) => number) => {
    const before = rolesVersion
    const found = await read()
    heardRoles(versionOf(found), before)
    return found
  }

  return {
    /** 0: nothing is known. */
    user,
    roles: (): number => rolesVersion,
    raiseUser,
    raiseRoles,
    onRise: (listener: RiseListener): void => void listeners.push(listener),
    /** The same truth; what it says is remembered here. */
    hearing: (truth: Truth): Truth => ({
      ...truth,
      user: async (userId) => {
        const [found] = await readUsers([userId], async () => [await truth.user(userId)])
        return found as TrueUser
      },
      users: (userIds) => readUsers(userIds, () => truth.users(userIds)),
      versions: async (userIds) => {
        const before = userIds.map(user)
        const versions = await truth.versions(userIds)
        for (const [i, userId] of userIds.entries()) heardUser(userId, versions.get(userId) ?? 0, before[i] ?? 0)
        return versions
      },
      roles: () => readRoles(truth.roles, ({ version }) => version),
      rolesVersion: () => readRoles(truth.rolesVersion, (version) => version),
    }),
  }
}
