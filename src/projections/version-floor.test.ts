import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrueUser, Truth } from '../ports.ts'
import { versionFloor } from './version-floor.ts'

const found = (userId: number, version: number, more: Partial<TrueUser> = {}): TrueUser => {
  return { userId, version, user: null, settled: true, ...more }
}
/** A truth that answers when it is told to. */
function slow(answer: () => TrueUser[]) {
  const gates: (() => void)[] = []
  const users = async () => {
    const said = answer()
    await new Promise<void>((resolve) => void gates.push(resolve))
    return said
  }
  return { truth: { users } as unknown as Truth, open: () => gates.shift()?.() }
}
const rises = (floor: ReturnType<typeof versionFloor>) => {
  const seen: string[] = []
  floor.onRise({
    user: (userId, version) => seen.push(`user ${userId} ${version}`),
    roles: (version) => seen.push(`roles ${version}`),
  })
  return seen
}

test('it rises with whatever the database says, and tells of each rise once', async () => {
  const floor = versionFloor()
  const seen = rises(floor)
  const truth = floor.hearing({
    user: async () => found(1, 3),
    users: async () => [found(1, 4), found(2, 1)],
    versions: async () =>
      new Map([
        [1, 4],
        [3, 0],
      ]),
    roles: async () => ({ version: 7, roles: [], settled: true }),
    rolesVersion: async () => 8,
  } as unknown as Truth)
  assert.equal(floor.user(1), 0)
  assert.equal((await truth.user(1)).version, 3)
  assert.deepEqual(
    (await truth.users([1, 2])).map(({ version }) => version),
    [4, 1],
  )
  await truth.versions([1, 3])
  await truth.roles()
  assert.equal(await truth.rolesVersion(), 8)
  assert.deepEqual([floor.user(1), floor.user(2), floor.user(3), floor.roles()], [4, 1, 0, 8])
  assert.deepEqual(seen, ['user 1 3', 'user 1 4', 'user 2 1', 'roles 7', 'roles 8'])
})

test('an answer that began before a newer one does not lower it', async () => {
  const floor = versionFloor()
  const { truth, open } = slow(() => [found(1, 4)])
  const late = floor.hearing(truth).users([1])
  floor.raiseUser(1, 5)
  open()
  assert.equal((await late)[0]?.version, 4)
  assert.equal(floor.user(1), 5)
})

test('a database that has gone back is believed by a read that began after the rise', async () => {
  const floor = versionFloor()
  floor.raiseUser(1, 5)
  floor.raiseRoles(5)
  const truth = floor.hearing({
    users: async () => [found(1, 4)],
    rolesVersion: async () => 2,
  } as unknown as Truth)
  await truth.users([1])
  await truth.rolesVersion()
  assert.deepEqual([floor.user(1), floor.roles()], [4, 2])
})

test('rows that cannot be read say nothing', async () => {
  const floor = versionFloor()
  floor.raiseUser(1, 5)
  const truth = floor.hearing({ users: async () => [found(1, 0, { unreadable: true })] } as unknown as Truth)
  await truth.users([1])
  assert.equal(floor.user(1), 5)
})

test('of so many users at most, those who were not asked for longest are forgotten first', () => {
  const floor = versionFloor(2)
  floor.raiseUser(1, 1)
  floor.raiseUser(2, 1)
  floor.user(1)
  floor.raiseUser(3, 1)
  assert.deepEqual([1, 2, 3].map(floor.user), [1, 0, 1])
})
