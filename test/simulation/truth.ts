import { DomainError } from '../../src/domain/errors.ts'
import type { RoleEvent } from '../../src/domain/role.ts'
import type { User } from '../../src/domain/user.ts'
import type { Incarnations } from '../../src/ports/redis.ts'
import type { RoleStore, TrueUser, Truth, UserFilter, UserStore, WriteContext } from '../../src/ports.ts'
import { afterwards } from '../support/users.ts'
import type { SimulatedDatabase } from './database.ts'
import type { Schedule } from './schedule.ts'
import { stamp } from './simulated-globals.ts'

/**
 * One process's way to the database. A read of users takes versions and rows at two moments, so that what is written
 * between them makes it unsettled; it does not try again, so that this is seen more often than it would be.
 */
export function simulatedTruth(schedule: Schedule, owner: string, database: SimulatedDatabase): Truth {
  const ask = <Reply>(what: string, answer: () => Reply) => schedule.call(owner, `database ${what}`, answer)
  const users = async (userIds: number[]): Promise<TrueUser[]> => {
    const before = await ask(`versions ${userIds}`, () => userIds.map(database.versionOf))
    return ask(`rows ${userIds}`, () =>
      userIds.map((userId, i) => {
        const version = before[i] ?? 0
        const user = database.latest(userId)
        return { userId, version, user: user && { ...user, version }, settled: version === database.versionOf(userId) }
      }),
    )
  }
  return {
    users,
    user: async (userId) => (await users([userId]))[0] ?? { userId, version: 0, user: null, settled: true },
    versions: (userIds) =>
      ask(`versions ${userIds}`, () => new Map(userIds.map((userId) => [userId, database.versionOf(userId)]))),
    userIdByUsername: (username) => ask(`owner of ${username}`, () => database.ownerOf(username)),
    userIds: (filter, afterId, limit) =>
      ask('ids', () =>
        database
          .ids()
          .filter((userId) => userId > afterId && belongs(database.latest(userId), filter))
          .slice(0, limit),
      ),
    countUsers: () => ask('count', () => database.ids().length),
    lastUserId: () => ask('last id', () => database.ids().at(-1) ?? 0),
    roles: async () => {
      const version = await ask('catalogue version', database.rolesVersion)
      return ask('catalogue', () => {
        const now = database.rolesVersion()
        return { version, roles: database.rolesAt(now), settled: now === version }
      })
    },
    rolesVersion: () => ask('catalogue version', database.rolesVersion),
    usersChangedSince: (since, afterId, limit, until) =>
      ask(`changed since ${since}`, () =>
        database
          .changedSince(since, until)
          .filter((userId) => userId > afterId)
          .slice(0, limit),
      ),
    now: () => ask('now', () => stamp(database.time.nowMs)),
  }
}

function belongs(user: User | null, { branchId, role, status }: UserFilter): boolean {
  return (
    user !== null &&
    (branchId === null || user.branches.includes(branchId)) &&
    (role === null || user.roles.some((grant) => grant.role === role)) &&
    (status === null || user.status === status)
  )
}

export function simulatedIncarnations(schedule: Schedule, owner: string, database: SimulatedDatabase): Incarnations {
  const { incarnations } = database
  return {
    recorded: (schema) =>
      schedule.call(owner, 'database incarnation', () => {
        const recorded = incarnations.get(schema)
        return new Map(recorded === undefined ? [] : [[0, recorded]])
      }),
    replace: (schema, _partition, from, to) =>
      schedule.call(owner, `database incarnation ${to}`, () => {
        if ((incarnations.get(schema) ?? null) !== from) return false
        incarnations.set(schema, to)
        return true
      }),
  }
}

type Stores = { users: UserStore; roles: RoleStore }

/** Commands' transactions: each is one moment. */
export function simulatedStores(schedule: Schedule, owner: string, database: SimulatedDatabase): Stores {
  const commit = <Reply>(what: string, work: () => Reply) => schedule.call(owner, `database commit ${what}`, work)
  const update: UserStore['update'] = (userId, _context, decide) =>
    commit(`user ${userId}`, () => {
      const user = database.latest(userId)
      if (!user) throw new DomainError('user-not-found', 'There is no such user.')
      const events = decide(user)
      if (events.length > 0) write(userId, afterwards(user, events))
      return { version: database.versionOf(userId), visible: true }
    })
  const write = (userId: number, user: User) => {
    if (!database.commit({ users: new Map([[userId, user]]) })) throw new DomainError('username-taken', 'It is taken.')
  }
  return {
    users: {
      update,
      updateWithRoles: (userId, context, decide) =>
        update(userId, context, (user) => decide(user, { version: 0, roles: [] }, null)),
      register: (registration) =>
        commit('registration', () => {
          const userId = Math.max(0, ...database.known()) + 1
          const { details, homeBranchId } = registration(userId)
          write(userId, { ...newcomer(userId), ...details, homeBranchId, branches: homeBranchId ? [homeBranchId] : [] })
          return { userId, version: database.versionOf(userId), visible: true }
        }),
    },
    roles: {
      update: (_role: string, _context: WriteContext, decide) =>
        commit('catalogue', () => {
          const version = database.rolesVersion()
          const roles = decide({ version, roles: database.rolesAt(version) }, 0).reduce(
            afterRole,
            database.rolesAt(version),
          )
          database.commit({ roles })
          return { version: database.rolesVersion(), visible: true }
        }),
    },
  }
}

function afterRole(roles: ReturnType<SimulatedDatabase['rolesAt']>, event: RoleEvent) {
  const name = event.type === 'role-defined' ? event.role.role : event.role
  const others = roles.filter(({ role }) => role !== name)
  return event.type === 'role-defined' ? [...others, event.role] : others
}

/** Nobody in particular, at one branch. */
export function newcomer(userId: number): User {
  return {
    id: userId,
    username: `user${userId}`,
    employeeNumber: `E${userId}`,
    givenName: 'Given',
    familyName: `Family${userId}`,
    email: `user${userId}@example.com`,
    phone: `+1 212 555 ${userId}`,
    jobTitle: null,
    status: 'active',
    homeBranchId: null,
    branches: [],
    roles: [],
    limits: {},
    preferences: {},
    createdAt: '2024-01-01T00:00:00.000Z',
    updatedAt: '2024-01-01T00:00:00.000Z',
    version: 1,
  }
}
