import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AT, many, refusal } from '../../test/support/users.ts'
import {
  decideDefineRole,
  decideRemoveRole,
  type Effect,
  MAX_ROLES,
  type Role,
  type RoleCatalogue,
  type RolePermission,
} from './role.ts'

const SEED = 20_240_603
const may = (permission: string, effect: Effect = 'allow'): RolePermission => ({ permission, effect })
const CASHIER: Role = {
  role: 'cashier',
  title: 'Cashier',
  privileged: false,
  permissions: [may('drawer.open', 'approve'), may('receipt.create')],
}
const catalogueOf = (...roles: Role[]): RoleCatalogue => ({ version: 3, roles })
const define = (wanted: Role, ...roles: Role[]) => decideDefineRole(catalogueOf(...roles), wanted, AT)
const fillers = (count: number) => many(count, (i): Role => ({ ...CASHIER, role: `filler-${i}` }))

test('a new role is defined, also without permissions', () => {
  assert.deepEqual(define(CASHIER), [{ type: 'role-defined', role: CASHIER, at: AT }])
  const empty = { ...CASHIER, permissions: [] }
  assert.deepEqual(define(empty), [{ type: 'role-defined', role: empty, at: AT }])
})

test('the event holds the permissions in order, and the command’s own list is left alone', () => {
  const wanted = { ...CASHIER, permissions: [may('b'), may('a-b'), may('B'), may('a')] }
  const sorted = { ...wanted, permissions: [may('B'), may('a'), may('a-b'), may('b')] }
  assert.deepEqual(define(wanted), [{ type: 'role-defined', role: sorted, at: AT }])
  assert.deepEqual(wanted.permissions, [may('b'), may('a-b'), may('B'), may('a')])
})

const DIFFERENCES: [what: string, differing: Partial<Role>][] = [
  ['its title', { title: 'Till' }],
  ['its being privileged', { privileged: true }],
  ['an effect', { permissions: [may('drawer.open'), may('receipt.create')] }],
  ['a permission', { permissions: [may('drawer.open', 'approve'), may('receipt.void')] }],
  ['a permission more', { permissions: [...CASHIER.permissions, may('shift.open')] }],
  ['a permission less', { permissions: CASHIER.permissions.slice(0, 1) }],
  ['no permission', { permissions: [] }],
]
for (const [what, differing] of DIFFERENCES) {
  test(`a role is defined anew when it differs in ${what}`, () => {
    const wanted = { ...CASHIER, ...differing }
    assert.deepEqual(define(wanted, CASHIER), [{ type: 'role-defined', role: wanted, at: AT }])
  })
}

test('a role that is so already, in whatever order of permissions: nothing happens', () => {
  assert.deepEqual(define(CASHIER, CASHIER), [])
  assert.deepEqual(define({ ...CASHIER, permissions: CASHIER.permissions.toReversed() }, CASHIER), [])
})

test('roles are told apart by every letter', () => {
  assert.equal(define({ ...CASHIER, role: 'Cashier' }, CASHIER).length, 1)
})

test('a permission that is named twice is refused, with the same effect or another', () => {
  for (const effect of ['allow', 'approve'] as const) {
    const wanted = { ...CASHIER, permissions: [may('a'), may('b'), may('a', effect)] }
    for (const roles of [[], [CASHIER]]) {
      assert.throws(() => define(wanted, ...roles), refusal('permission-twice', '/permissions'))
    }
  }
})

test('the catalogue takes the last role that fits and none after it; those in it can be changed', () => {
  assert.equal(define(CASHIER, ...fillers(MAX_ROLES - 1)).length, 1)
  assert.throws(() => define(CASHIER, ...fillers(MAX_ROLES)), refusal('too-many'))
  assert.equal(define({ ...CASHIER, role: 'filler-0', title: 'Other' }, ...fillers(MAX_ROLES)).length, 1)
  assert.deepEqual(define({ ...CASHIER, role: 'filler-0' }, ...fillers(MAX_ROLES)), [])
})

test('a role that nobody holds is removed', () => {
  const removed = { type: 'role-removed', role: 'cashier', at: AT }
  assert.deepEqual(decideRemoveRole(catalogueOf(CASHIER), 'cashier', 0, AT), [removed])
})

test('a role that is not there: nothing happens, even if older programs left holders of it', () => {
  assert.deepEqual(decideRemoveRole(catalogueOf(CASHIER), 'baker', 0, AT), [])
  assert.deepEqual(decideRemoveRole(catalogueOf(CASHIER), 'baker', 1, AT), [])
})

test('a role that somebody holds can’t be removed', () => {
  assert.throws(() => decideRemoveRole(catalogueOf(CASHIER), 'cashier', 1, AT), refusal('role-in-use', '/role'))
})

test(`defining what was just defined is nothing, whatever it is (seed ${SEED})`, () => {
  const permission = fc.record({
    permission: fc.string({ unit: fc.constantFrom('a', 'B', '.', '-', '_', '1'), minLength: 1, maxLength: 3 }),
    effect: fc.constantFrom<Effect>('allow', 'approve'),
  })
  const role = fc.record({
    role: fc.constantFrom('cashier', 'baker'),
    title: fc.constantFrom('A', 'B'),
    privileged: fc.boolean(),
    permissions: fc.uniqueArray(permission, { selector: (each) => each.permission, maxLength: 8 }),
  })
  fc.assert(
    fc.property(role, (wanted) => {
      const [event] = define(wanted, CASHIER)
      const now = event?.type === 'role-defined' ? event.role : CASHIER
      assert.deepEqual(define(wanted, now), [])
      assert.deepEqual(define({ ...wanted, permissions: wanted.permissions.toReversed() }, now), [])
    }),
    { seed: SEED, numRuns: 200 },
  )
})

test('a role is removed from among others', () => {
  const catalogue = { version: 1, roles: [CASHIER, { ...CASHIER, role: 'baker' }] } as RoleCatalogue
  assert.deepEqual(decideRemoveRole(catalogue, 'baker', 0, AT), [{ type: 'role-removed', role: 'baker', at: AT }])
  assert.deepEqual(decideRemoveRole(catalogue, 'nobody', 0, AT), [])
  assert.throws(() => decideRemoveRole(catalogue, 'cashier', 1, AT), {
    ...refusal('role-in-use', '/role'),
    message: /"cashier"/,
  })
})
