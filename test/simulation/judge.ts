import { searchName } from '../../src/domain/names.ts'
import { normaliseUsername, type User } from '../../src/domain/user.ts'
import type { ShownCatalogue } from '../../src/projections/roles/store.ts'
import type { Bodies } from '../../src/projections/user/bodies.ts'
import type { ShownHolder } from '../../src/projections/user/holders.ts'
import { projectUser } from '../../src/projections/user/project.ts'
import type { ShownUser } from '../../src/projections/user/shown.ts'
import type { SimulatedDatabase } from './database.ts'
import type { Floors } from './near-floors.ts'

/** An answer, or what is stored, that must not be. */
export class Violation extends Error {
  readonly invariant: string
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`)
    this.invariant = invariant
  }
}

/**
 * What was known to be visible when a request began, at its process's near cache too; what its process had been told by
 * the database; and how many commits there were.
 */
export type Moment = { floors: Floors; near: Floors; said: Floors; commits: number; given: Map<string, number> }
type ReadSource = Pick<ShownUser, 'from'>
const NOTHING_SAID: Floors = { users: new Map(), roles: 0 }
export type Judge = ReturnType<typeof judgeOf>

/** Knows the truth at every version, and what has been acknowledged; judges each answer by them. */
export function judgeOf(database: SimulatedDatabase, isOld: () => boolean) {
  const acknowledged: Floors = { users: new Map(), roles: 0 }
  const given = new Map<string, number>()
  /** Entries deleted by hand, whose index entries nobody can take out any more. */
  const unindexed = new Set<number>()
  /** Entries deleted by hand, into whose place a worker put what it had read before: until the auditor comes. */
  const spoilt = new Set<number>()
  /** Those that once were: a near cache may hold them until it is told. */
  const onceSpoilt = new Set<number>()

  const raise = (floors: Map<number, number>, userId: number, version: number) =>
    void floors.set(userId, Math.max(floors.get(userId) ?? 0, version))
  const wasOwner = (username: string, userId: number | null, since: number): boolean =>
    database.owners.slice(since).some((owners) => (owners.get(username) ?? null) === userId)

  const floorOf = (userId: number, { from }: ReadSource, { floors, near, said }: Moment): number => {
    const saidHere = said.users.get(userId) ?? 0
    if (spoilt.has(userId) || (from === 'near' && onceSpoilt.has(userId))) return saidHere
    return Math.max(saidHere, (from === 'near' ? near : floors).users.get(userId) ?? 0)
  }
  const judgeBodies = ({ userId, version, bodies, from }: ShownUser) => {
    const now = database.versionOf(userId)
    if (version > now) throw new Violation('exact', `user ${userId} was shown at ${version}, and is at ${now}`)
    // What was written while the database was read may be in it, under the version before: never stored, only answered.
    const last = from === 'database' ? now : version
    for (let v = version; v <= last; v += 1) {
      if (sameBytes(bodies, bodiesOf(database.at(userId, v), version))) return
    }
    const { full, bare } = bodies ?? {}
    throw new Violation('exact', `user ${userId} at ${version} was shown as ${full} and ${bare} (${from})`)
  }

  return {
    spoilt,
    unindexed,
    spoil(userId: number) {
      spoilt.add(userId)
      onceSpoilt.add(userId)
    },
    acknowledged: () => acknowledged,
    acknowledge: (userId: number, version: number) => raise(acknowledged.users, userId, version),
    /** A command has given this username to somebody. */
    acknowledgeName: (username: string, userId: number) => void given.set(normaliseUsername(username), userId),
    acknowledgeRoles(version: number) {
      acknowledged.roles = Math.max(acknowledged.roles, version)
    },
    /** `seen`: what this client has been shown out of Redis. `near`: the floors of its process's near cache. */
    moment(seen: Map<number, number>, near: Floors, said: Floors = NOTHING_SAID): Moment {
      const floors = { users: new Map(acknowledged.users), roles: acknowledged.roles }
      for (const [userId, version] of seen) raise(floors.users, userId, version)
      if (isOld()) {
        for (const userId of database.known()) raise(floors.users, userId, database.versionOf(userId))
        floors.roles = database.rolesVersion()
      }
      return {
        floors,
        near: isOld() ? floors : near,
        said: { users: new Map(said.users), roles: said.roles },
        commits: database.owners.length - 1,
        given: new Map(given),
      }
    },
    user(answer: ShownUser, moment: Moment) {
      const { userId, version, from } = answer
      const floor = floorOf(userId, answer, moment)
      if (version < floor) {
        throw new Violation('never older', `user ${userId} was shown at ${version} (${from}), and ${floor} was visible`)
      }
      judgeBodies(answer)
    },
    username(username: string, answer: ShownUser | null, moment: Moment) {
      const name = normaliseUsername(username)
      if (answer === null || answer.bodies === null) {
        if (wasOwner(name, null, moment.commits) || answer !== null) return
        throw new Violation('no false 404', `nobody was found by ${name}`)
      }
      const { userId, version } = answer
      if (answer.from !== 'database' && normaliseUsername(database.at(userId, version)?.username ?? '') !== name) {
        throw new Violation('username', `user ${userId} was shown by ${name}, and had another username`)
      }
      const mine = moment.given.get(name)
      if (mine === undefined || mine === userId || spoilt.has(userId) || answer.from === 'near') return
      // The command's user has had it all the time, and this one has not.
      const owners = database.owners.slice(moment.commits).map((held) => held.get(name))
      if (owners.every((owner) => owner === mine)) {
        throw new Violation('username', `user ${userId} was shown by ${name}, which a command had given to ${mine}`)
      }
    },
    /** `next`: the page ends with this id; null: with the list. */
    list(users: ShownUser[], belongs: (user: User) => boolean, next: string | null, moment: Moment) {
      const found = new Set(users.map(({ userId }) => userId))
      const twice = users.filter(({ userId }, i) => users.findIndex((other) => other.userId === userId) < i)
      if (twice.some(({ userId }) => !unindexed.has(userId)))
        throw new Violation('lists', `somebody twice: ${users.map((u) => u.userId)}`)
      for (const userId of database.known()) {
        if (unindexed.has(userId) || (next !== null && userId > Number(next))) continue
        const states = statesOf(database, userId, moment.floors.users.get(userId) ?? 0)
        if (!found.has(userId) && states.every((user) => user !== null && belongs(user))) {
          throw new Violation('lists', `user ${userId} is missing`)
        }
        if (found.has(userId) && !states.some((user) => user !== null && belongs(user))) {
          throw new Violation('lists', `user ${userId} does not belong there`)
        }
      }
      for (const user of users) this.user(user, moment)
    },
    holder(userId: number, answer: ShownHolder | null, moment: Moment) {
      if (answer === null) {
        if (statesOf(database, userId, floorOf(userId, { from: 'redis' }, moment)).includes(null)) return
        throw new Violation('no false 404', `user ${userId} was not found`)
      }
      const { version, holder, source } = answer
      const { from } = source
      const floor = floorOf(userId, source, moment)
      if (version < floor) {
        throw new Violation('never older', `user ${userId}'s permissions are of ${version}, and ${floor} was visible`)
      }
      const last = from === 'database' ? database.versionOf(userId) : version
      for (let v = version; v <= last; v += 1) {
        const user = database.at(userId, v)
        const { status, branches, roles } = user ?? { status: null, branches: null, roles: null }
        if (JSON.stringify({ status, branches, roles }) === JSON.stringify(holder)) return
      }
      throw new Violation('exact', `user ${userId}'s permissions at ${version} are not the truth (${from})`)
    },
    catalogue({ version, roles, from }: ShownCatalogue, { floors, near, said }: Moment) {
      const rolesFloor = Math.max(said.roles, (from === 'near' ? near : floors).roles)
      if (version < rolesFloor) {
        throw new Violation('never older', `the catalogue was shown at ${version}, and ${rolesFloor} was visible`)
      }
      const last = from === 'database' ? database.rolesVersion() : version
      for (let v = version; v <= last; v += 1) {
        if (JSON.stringify(database.rolesAt(v)) === JSON.stringify(roles)) return
      }
      throw new Violation('exact', `the catalogue at ${version} is not the truth (${from})`)
    },
  }
}

/** All that may be shown now to somebody who knows of version `floor`. */
function statesOf(database: SimulatedDatabase, userId: number, floor: number): (User | null)[] {
  const states: (User | null)[] = []
  for (let version = floor; version <= database.versionOf(userId); version += 1)
    states.push(database.at(userId, version))
  return states
}

function bodiesOf(user: User | null, version: number): Bodies | null {
  return user && projectUser({ ...user, version }).bodies
}

function sameBytes(a: Bodies | null, b: Bodies | null): boolean {
  return a === null || b === null ? a === b : a.full.equals(b.full) && a.bare.equals(b.bare)
}

export const BELONGS = {
  list: () => true,
  roster: (branchId: string) => (user: User) => user.status === 'active' && user.branches.includes(branchId),
  search: (q: string) => (user: User) => searchName(user.familyName, user.givenName).startsWith(q),
}
