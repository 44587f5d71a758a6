import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../test/support/users.ts'
import type { ReadModelRedis } from '../ports/redis.ts'
import type { Change, TrueUser, Truth } from '../ports.ts'
import { keysOf, readModelKeys } from './keys.ts'
import { projector } from './projector.ts'
import type { RoleViews } from './roles/store.ts'
import type { UserReadModel } from './user/store.ts'

const INC = 'first.run'
const keys = readModelKeys('projector')
const ELSEWHERE = keysOf('projector', '2')

const change = (entity: Change['entity'], entityId: string): Change => ({
  ...{ changeId: 1, changedAt: '2024-06-01 09:00:00.000', entity, entityId },
})
const found = (userId: number, given: Partial<TrueUser> = {}): TrueUser => ({
  ...{ userId, version: 5, user: someUser({ id: userId }), settled: true },
  ...given,
})

type Given = {
  users?: TrueUser[]
  rolesSettled?: boolean
  incarnation?: string | null
  /** By partition. */
  recorded?: string[]
  others?: (typeof keys)[]
  own?: typeof keys
}
/** A projector over a Redis that takes everything, and what it has done there. */
function start({
  users = [],
  rolesSettled = true,
  incarnation = INC,
  recorded = [INC],
  others = [],
  own = keys,
}: Given) {
  const done: string[] = []
  const truth = {
    users: async (userIds: number[]) => userIds.map((id) => users.find(({ userId }) => userId === id) ?? found(id)),
    roles: async () => ({ version: 3, roles: [], settled: rolesSettled }),
    rolesVersion: async () => 3,
    versions: async (userIds: number[]) => new Map(userIds.map((id) => [id, id === 9 ? 0 : 5])),
  } as unknown as Truth
  const told = (what: string) => async (one: { userId: number } | number) =>
    void done.push(`${what} ${typeof one === 'number' ? one : one.userId}`)
  const entries = { apply: told('apply'), fence: told('fence'), fenceOthers: told('fence elsewhere') }
  const catalogue = {
    apply: async () => void done.push('apply roles'),
    fence: async () => void done.push('fence roles'),
    fenceOthers: async () => void done.push('fence roles elsewhere'),
  }
  const one = projector({
    redis: { incarnation: () => incarnation } as unknown as ReadModelRedis,
    ...{ keys: own, truth, schemas: { others: async () => others } },
    users: entries as unknown as UserReadModel,
    roles: catalogue as unknown as RoleViews,
    incarnations: { recorded: async () => new Map(recorded.entries()) },
  })
  return { ...one, done }
}

test('changes are projected once a user, and the roles once; what names no user is passed over', async () => {
  const { handle, done } = start({})
  await handle([...['7', '7', '8', 'x', '0'].map((id) => change('user', id)), change('role', '*'), change('role', '*')])
  assert.deepEqual(done, ['apply roles', 'apply 7', 'apply 8'])
})

test('what moved while it was read is fenced, and is handled with that', async () => {
  const { handle, done } = start({ users: [found(7, { settled: false })], rolesSettled: false })
  await handle([change('user', '7'), change('user', '8'), change('role', '*')])
  assert.deepEqual(done, ['fence roles', 'apply 8', 'fence 7'])
})

test('whoever projects for themselves is told that it moved, and nothing is fenced', async () => {
  const { projectUsers, projectRoles, done } = start({ users: [found(7, { settled: false })], rolesSettled: false })
  await assert.rejects(projectUsers([7]), { name: 'StillMovingError' })
  await assert.rejects(projectRoles(), { name: 'StillMovingError' })
  assert.deepEqual(done, [])
})

test('somebody who has never been is not written', async () => {
  const { handle, done } = start({ users: [found(9, { version: 0, user: null })] })
  await handle([change('user', '9')])
  assert.deepEqual(done, [])
})

test('rows that cannot be read leave the changes unhandled, and keep nobody else back', async () => {
  const { handle, done } = start({ users: [found(7, { version: 0, user: null, unreadable: true })] })
  await assert.rejects(handle([change('user', '7'), change('user', '8')]), /the rows of 1 users cannot be read/)
  assert.deepEqual(done, ['apply 8'])
})

test('a Redis that is not believed is not written, and one that was replaced meanwhile has not handled anything', async () => {
  const unknown = start({ incarnation: null })
  await assert.rejects(unknown.handle([change('user', '7')]), { name: 'OtherIncarnationError' })
  assert.deepEqual(unknown.done, [])
  const replaced = start({ recorded: ['second.run'] })
  await assert.rejects(replaced.handle([change('user', '7')]), { name: 'OtherIncarnationError' })
  assert.deepEqual(replaced.done, ['apply 7'])
})

test('of several partitions that were written one is enough that was replaced', async () => {
  const own = readModelKeys('projector', 2)
  const changes = [change('user', '6'), change('user', '7')]
  await start({ own, recorded: [INC, INC] }).handle(changes)
  for (const recorded of [
    [INC, 'second.run'],
    ['second.run', INC],
  ])
    await assert.rejects(start({ own, recorded }).handle(changes), { name: 'OtherIncarnationError' })
})

test('a change of a role that is called as a user’s id is none of that user', async () => {
  const { handle, done } = start({})
  await handle([change('role', '7')])
  assert.deepEqual(done, ['apply roles'])
})

test('in the schemas of other releases everything is fenced first, but for whom there never was', async () => {
  const { handle, done } = start({ others: [ELSEWHERE], users: [found(9, { version: 0, user: null })] })
  await handle([change('user', '7'), change('user', '9'), change('role', '*')])
  assert.deepEqual(done, ['fence roles elsewhere', 'fence elsewhere 7', 'apply roles', 'apply 7'])
})
