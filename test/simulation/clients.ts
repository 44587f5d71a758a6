import { UNLIMITED } from '../../src/domain/authority.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import type { User } from '../../src/domain/user.ts'
import type { WriteContext } from '../../src/ports.ts'
import type { Keys } from '../../src/projections/keys.ts'
import { BELONGS, type Judge, Violation } from './judge.ts'
import type { Floors } from './near-floors.ts'
import type { SimulatedProcess } from './process.ts'
import type { ClientStep } from './program.ts'

const AT = '2024-01-02T00:00:00.000Z'
const BY: WriteContext = {
  expectedVersions: null,
  by: { name: 'local', requestId: 'r', address: '127.0.0.1', ...UNLIMITED },
}
const EVERYBODY = { branchId: null, role: null, status: null, q: null }
type Answer = { userId: number; version: number; from: string }
/** Refusals that a client may get at any time. */
const REFUSALS = new Set([
  ...['busy', 'database-unavailable', 'search-unavailable', 'version-unknown'],
  ...['user-not-found', 'username-taken'],
])

/**
 * A client with a memory: what it was shown out of Redis it is not shown older again, whichever process it asks. Each
 * release has read models of its own, and another program's change may be in one and not yet in the other.
 */
export function simulatedClientOf(judge: Judge, processAt: (via: number) => SimulatedProcess) {
  const seenIn = new Map<Keys, Map<number, number>>()
  const seenAnywhere = new Map<number, number>()
  const remember = (seen: Map<number, number>, { said, near }: SimulatedProcess, { userId, version, from }: Answer) => {
    // What the database said of another program's change may not be in Redis yet; but nobody forgets it here.
    if (from === 'database') raiseSaid(said, userId, version)
    else near.floors.raise(userId, version)
    seenAnywhere.set(userId, Math.max(version, seenAnywhere.get(userId) ?? 0))
    if (from === 'redis') seen.set(userId, Math.max(version, seen.get(userId) ?? 0))
  }

  return async (step: ClientStep): Promise<void> => {
    const process = processAt(step.via)
    try {
      await (isRead(step) ? read(process, step) : write(process, step))
    } catch (error) {
      if (error instanceof Violation) throw error
      if (error instanceof DomainError && REFUSALS.has(error.code)) return
      if (error instanceof Error && error.message === `${process.name} died`) return
      throw error
    }
  }

  async function read(process: SimulatedProcess, step: ReadStep): Promise<void> {
    const { keys, views, lists, roles, holders, near, said, orDeath } = process
    const seen = seenIn.get(keys) ?? new Map<number, number>()
    seenIn.set(keys, seen)
    const moment = judge.moment(seen, near.floors.now(), said)
    const atLeast = (userId: number) => ('careful' in step && step.careful ? (seenAnywhere.get(userId) ?? 0) : 0)
    switch (step.do) {
      case 'byId': {
        const least = atLeast(step.user)
        const answer = await orDeath(views.byId(step.user, least))
        if (answer.version < least) throw new Violation('min version', `user ${step.user} at ${answer.version}`)
        judge.user(answer, moment)
        return remember(seen, process, answer)
      }
      case 'byUsername': {
        const answer = await orDeath(views.byUsername(step.name))
        judge.username(step.name, answer, moment)
        if (answer) judge.user(answer, moment)
        return answer ? remember(seen, process, answer) : undefined
      }
      case 'permissions': {
        const least = atLeast(step.user)
        const [holder, catalogue] = await orDeath(Promise.all([holders(step.user, least), roles.catalogue()]))
        judge.holder(step.user, holder, moment)
        if (catalogue.from === 'database') said.roles = Math.max(said.roles, catalogue.version)
        return judge.catalogue(catalogue, moment)
      }
      case 'list':
      case 'roster': {
        const filter =
          step.do === 'list' ? EVERYBODY : { ...EVERYBODY, branchId: step.branch, status: 'active' as const }
        const { users, next } = await orDeath(lists.list(filter, null, step.limit))
        judge.list(users, step.do === 'list' ? BELONGS.list : BELONGS.roster(step.branch), next, moment)
        for (const { userId, version, from } of users) if (from === 'database') raiseSaid(said, userId, version)
        return
      }
      case 'search': {
        const { users, next } = await orDeath(lists.list({ ...EVERYBODY, q: step.q }, null, 10))
        return judge.list(users, BELONGS.search(step.q), next, moment)
      }
    }
  }

  async function write({ stores, near, said, orDeath }: SimulatedProcess, step: WriteStep): Promise<void> {
    if (step.do === 'defineRole') {
      const answer = await orDeath(
        stores.roles.update('', BY, ({ version }) => {
          const role = { role: `role${version}`, title: 'Role', privileged: false, permissions: [] }
          return [{ type: 'role-defined', role, at: AT }]
        }),
      )
      said.roles = Math.max(said.roles, answer.version)
      if (!answer.visible) return
      judge.acknowledgeRoles(answer.version)
      near.floors.raiseRoles(answer.version)
      return
    }
    const answer =
      step.do === 'register'
        ? await orDeath(stores.users.register((userId) => registered(userId, step.name), BY.by, null))
        : { ...(await orDeath(stores.users.update(step.user, BY, (user) => decide(step, user)))), userId: step.user }
    raiseSaid(said, answer.userId, answer.version)
    if (!answer.visible) return
    judge.acknowledge(answer.userId, answer.version)
    near.floors.raise(answer.userId, answer.version)
    if ('name' in step) judge.acknowledgeName(step.name, answer.userId)
  }
}

function raiseSaid({ users }: Floors, userId: number, version: number): void {
  users.set(userId, Math.max(version, users.get(userId) ?? 0))
}

type WriteStep = Extract<ClientStep, { do: 'details' | 'status' | 'rename' | 'assign' | 'register' | 'defineRole' }>
type ReadStep = Exclude<ClientStep, WriteStep>
const WRITES = new Set(['details', 'status', 'rename', 'assign', 'register', 'defineRole'])
const isRead = (step: ClientStep): step is ReadStep => !WRITES.has(step.do)

function registered(userId: number, username: string): Extract<UserEvent, { type: 'user-registered' }> {
  const details = { username, givenName: 'Given', familyName: `Family${userId}` }
  const none = { employeeNumber: null, email: null, phone: null, jobTitle: null }
  return { type: 'user-registered', userId, at: AT, details: { ...details, ...none }, homeBranchId: 'B1' }
}

/** What a change of a person means, by a client or by another program. */
export function decide(
  step: { do: 'details' | 'status' } | { do: 'rename'; name: string } | { do: 'assign'; branch: string },
  user: User,
): UserEvent[] {
  const of = { userId: user.id, at: AT }
  switch (step.do) {
    case 'details': {
      // Each time another family name: the name index moves.
      const familyName = user.familyName.startsWith('Family') ? `Other${user.version}` : `Family${user.id}`
      return [{ ...of, type: 'details-changed', changes: { familyName, givenName: `Given${user.version}` } }]
    }
    case 'rename':
      return [{ ...of, type: 'details-changed', changes: { username: step.name } }]
    case 'status':
      return [{ ...of, type: user.status === 'active' ? 'user-suspended' : 'user-reinstated' }]
    case 'assign': {
      const { branch: branchId } = step
      return [{ ...of, type: user.branches.includes(branchId) ? 'branch-unassigned' : 'branch-assigned', branchId }]
    }
  }
}
