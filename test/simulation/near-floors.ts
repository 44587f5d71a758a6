import type { Told } from './invalidations.ts'

/** The least that may be shown. */
export type Floors = { users: Map<number, number>; roles: number }
export type NearFloors = ReturnType<typeof nearFloorsOf>

/**
 * What one process's near cache may not be older than: what was acknowledged before it was last told of that key, or
 * lost its connections, or acknowledged a command itself. Any other acknowledgement may be on its way.
 */
export function nearFloorsOf(acknowledged: () => Floors) {
  const users = new Map<number, number>()
  let roles = 0
  const raise = (userId: number, version: number) => void users.set(userId, Math.max(version, users.get(userId) ?? 0))
  const raiseRoles = (version: number) => {
    roles = Math.max(version, roles)
  }
  /** Nothing is on its way any more. */
  const raiseAll = () => {
    const now = acknowledged()
    for (const [userId, version] of now.users) raise(userId, version)
    raiseRoles(now.roles)
  }
  const told: Told = {
    onDown: raiseAll,
    onInvalidated(key) {
      const userId = Number(/:id:(\d+)$/.exec(key ?? '')?.[1])
      const now = acknowledged()
      if (key === null) raiseAll()
      else if (Number.isNaN(userId)) raiseRoles(now.roles)
      else raise(userId, now.users.get(userId) ?? 0)
    },
  }
  return { told, raise, raiseRoles, raiseAll, now: (): Floors => ({ users: new Map(users), roles }) }
}
