import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignBranch } from '../src/commands/assign-branch/handler.ts'
import { changeDetails } from '../src/commands/change-details/handler.ts'
import { grantRole } from '../src/commands/grant-role/handler.ts'
import { reinstateUser } from '../src/commands/reinstate-user/handler.ts'
import { removeLimit } from '../src/commands/remove-limit/handler.ts'
import { removePreference } from '../src/commands/remove-preference/handler.ts'
import { revokeRole } from '../src/commands/revoke-role/handler.ts'
import { setLimit } from '../src/commands/set-limit/handler.ts'
import { setPreference } from '../src/commands/set-preference/handler.ts'
import { suspendUser } from '../src/commands/suspend-user/handler.ts'
import { terminateUser } from '../src/commands/terminate-user/handler.ts'
import { unassignBranch } from '../src/commands/unassign-branch/handler.ts'
import { UNLIMITED } from '../src/domain/authority.ts'
import { DomainError } from '../src/domain/errors.ts'
import type { UserEvent } from '../src/domain/events.ts'
import { checkLimit, LIMIT_NAMES } from '../src/domain/limits.ts'
import type { RoleCatalogue } from '../src/domain/role.ts'
import type { User } from '../src/domain/user.ts'
import type { UserStore, WriteContext, Written } from '../src/ports.ts'
import { AT, afterwards, someUser } from './support/users.ts'

const SEED = 20_240_605
const CATALOGUE: RoleCatalogue = {
  version: 3,
  roles: ['cashier', 'baker'].map((role) => ({ role, title: role, privileged: false, permissions: [] })),
}
const context: WriteContext = {
  expectedVersions: [5],
  by: { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED },
}

/** A store of one user, kept in memory, that decides twice each time, as one does that was overtaken. */
function storeOf(first: User) {
  let user = first
  let events: UserEvent[] = []
  const decided = async (userId: number, given: WriteContext, decide: () => UserEvent[]): Promise<Written> => {
    assert.equal(userId, user.id)
    assert.equal(given, context)
    const before = structuredClone(user)
    events = []
    const once = decide()
    assert.deepEqual(decide(), once, 'deciding again decides the same')
    assert.deepEqual(user, before, 'deciding changes nothing by itself')
    events = once
    user = afterwards(user, events)
    return { version: 6, visible: true }
  }
  const users: Pick<UserStore, 'update' | 'updateWithRoles'> = {
    update: (userId, given, decide) => decided(userId, given, () => decide(user)),
    updateWithRoles: (userId, given, decide) => decided(userId, given, () => decide(user, CATALOGUE, null)),
  }
  return { users, user: () => user, events: () => events }
}

/** Every command on a user, by its real handler. */
function handlers(users: Pick<UserStore, 'update' | 'updateWithRoles'>, now: () => Date) {
  const deps = { users, now }
  return {
    assignBranch: assignBranch(deps),
    changeDetails: changeDetails(deps),
    grantRole: grantRole(deps),
    reinstateUser: reinstateUser(deps),
    removeLimit: removeLimit(deps),
    removePreference: removePreference(deps),
    revokeRole: revokeRole(deps),
    setLimit: setLimit(deps),
    setPreference: setPreference(deps),
    suspendUser: suspendUser(deps),
    terminateUser: terminateUser(deps),
    unassignBranch: unassignBranch(deps),
  }
}
type Handlers = ReturnType<typeof handlers>
type Command = { [Name in keyof Handlers]: { name: Name; command: Parameters<Handlers[Name]>[0] } }[keyof Handlers]

/** The name and the command of one row belong together, which the compiler cannot follow through a lookup. */
const run = (all: Handlers, { name, command }: Command): Promise<Written> =>
  (all[name] as (command: Command['command']) => Promise<Written>)(command)

const to = { userId: 7, context }
const ONE_OF_EACH: { [Name in keyof Handlers]: [Parameters<Handlers[Name]>[0], UserEvent['type']] } = {
  assignBranch: [{ ...to, branchId: 'B9', home: false }, 'branch-assigned'],
  changeDetails: [{ ...to, changes: { jobTitle: 'Baker' } }, 'details-changed'],
  grantRole: [{ ...to, role: 'baker', branchId: null }, 'role-granted'],
  reinstateUser: [to, 'user-reinstated'],
  removeLimit: [{ ...to, limit: 'discount-percent' }, 'limit-removed'],
  removePreference: [{ ...to, key: 'theme' }, 'preference-removed'],
  revokeRole: [{ ...to, role: 'cashier', branchId: null }, 'role-revoked'],
  setLimit: [{ ...to, limit: 'cash-drop', value: 7 }, 'limit-set'],
  setPreference: [{ ...to, key: 'theme', value: 'light' }, 'preference-set'],
  suspendUser: [to, 'user-suspended'],
  terminateUser: [to, 'user-terminated'],
  unassignBranch: [{ ...to, branchId: 'B002' }, 'branch-unassigned'],
}
for (const [name, [command, type]] of Object.entries(ONE_OF_EACH)) {
  test(`${name} happens at one time, whatever the store does, and a repeat is nothing`, async () => {
    const store = storeOf(someUser({ status: name === 'reinstateUser' ? 'suspended' : 'active' }))
    let asked = 0
    const now = () => {
      asked += 1
      return new Date(AT)
    }
    const all = handlers(store.users, now)
    assert.deepEqual(await run(all, { name, command } as Command), { version: 6, visible: true })
    assert.deepEqual(
      store.events().map((event) => [event.type, event.userId, event.at]),
      [[type, 7, AT]],
    )
    assert.equal(asked, 1)
    await run(all, { name, command } as Command)
    assert.deepEqual(store.events(), [])
  })
}

const branchId = fc.constantFrom('B001', 'B002', 'B003')
const where = fc.option(branchId)
const role = fc.constantFrom('cashier', 'baker', 'unknown')
const limit = fc.constantFrom(...LIMIT_NAMES)
const key = fc.constantFrom('theme', 'language', 'toString')
const text = fc.constantFrom('x', 'y')
const details = fc.record({ username: text, email: fc.option(text), jobTitle: fc.option(text) }, { requiredKeys: [] })
const rare = [fc.record({ name: fc.constant('terminateUser' as const), command: fc.constant(to) })]
const command = <Name extends keyof Handlers, More>(
  name: Name,
  more: { [Field in keyof More]: fc.Arbitrary<More[Field]> },
) => fc.record(more).map((fields) => ({ name, command: { ...to, ...fields } }))
const frequent = [
  command('assignBranch', { branchId, home: fc.boolean() }),
  command('unassignBranch', { branchId }),
  command('changeDetails', { changes: details }),
  command('grantRole', { role, branchId: where }),
  command('revokeRole', { role, branchId: where }),
  command('setLimit', { limit, value: fc.constantFrom(0, 1, 100, 101, -1) }),
  command('removeLimit', { limit }),
  command('setPreference', { key, value: text }),
  command('removePreference', { key }),
  command('suspendUser', {}),
  command('reinstateUser', {}),
]
const commands = fc.array(
  fc.oneof(
    { arbitrary: fc.oneof(...frequent), weight: 40 },
    { arbitrary: fc.oneof(...rare), weight: 1 },
  ) as fc.Arbitrary<Command>,
  { minLength: 1, maxLength: 40, size: 'max' },
)

/** What no command may break, whatever came before it. */
function checkUser(user: User): void {
  assert.ok(user.homeBranchId === null || user.branches.includes(user.homeBranchId), 'the home branch is assigned')
  assert.equal(new Set(user.branches).size, user.branches.length)
  assert.equal(new Set(user.roles.map((grant) => `${grant.role} ${grant.branchId}`)).size, user.roles.length)
  for (const grant of user.roles) {
    assert.ok(grant.branchId === null || user.branches.includes(grant.branchId), 'a grant’s branch is assigned')
    assert.ok(CATALOGUE.roles.some((known) => known.role === grant.role))
  }
  for (const [name, value] of Object.entries(user.limits)) checkLimit(name, value)
}

test(`whatever is commanded, a user stays sound, and a repeat of what succeeded is nothing (seed ${SEED})`, async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const store = storeOf(someUser({ branches: ['B001'], roles: [] }))
      const all = handlers(store.users, () => new Date(AT))
      for (const each of sequence) {
        const before = store.user()
        const outcome = await run(all, each).catch((error: unknown) => error)
        if (outcome instanceof DomainError) {
          seen.add(`refused: ${outcome.code}`)
          assert.equal(store.user(), before)
          continue
        }
        if (outcome instanceof Error) throw outcome
        for (const { type } of store.events()) seen.add(type)
        if (before.status === 'terminated') assert.deepEqual(store.events(), [])
        checkUser(store.user())
        await run(all, each)
        assert.deepEqual(store.events(), [], `${each.name} again`)
      }
    }),
    { seed: SEED, numRuns: 200 },
  )
  // The walks went everywhere: a property over commands that were all refused would say nothing.
  const refusals = [
    'branch-has-grants',
    'branch-is-home',
    'branch-not-assigned',
    'limit-out-of-range',
    'role-not-found',
  ]
  const everywhere = [
    ...Object.values(ONE_OF_EACH).map(([, type]) => type),
    'home-branch-changed',
    ...[...refusals, 'user-terminated'].map((code) => `refused: ${code}`),
  ]
  assert.deepEqual([...seen].sort(), everywhere.sort())
})
