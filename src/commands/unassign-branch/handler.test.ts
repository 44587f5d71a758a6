import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import type { User } from '../../domain/user.ts'
import { decide } from './handler.ts'

const heldAt = (branchId: string | null) => ({ roles: [{ role: 'cashier', branchId }] })
const unassigned = { type: 'branch-unassigned', userId: 7, at: AT, branchId: 'B002' }

const HAPPENS: [what: string, user: Partial<User>][] = [
  ['a branch is taken away', {}],
  ['the last branch of who has no home branch is taken away', { homeBranchId: null, branches: ['B002'], roles: [] }],
  ['a role held everywhere keeps no branch', heldAt(null)],
  ['a role held at another branch keeps only that one', heldAt('B001')],
  ['a suspended user can be unassigned', { status: 'suspended' }],
]
for (const [what, user] of HAPPENS) {
  test(what, () => assert.deepEqual(decide(someUser(user), { branchId: 'B002' }, AT), [unassigned]))
}

const NOTHING: [what: string, user: Partial<User>][] = [
  ['a branch that is not assigned', {}],
  ['a branch that a terminated user did not have', { status: 'terminated' }],
  ['a grant at a branch that is not assigned, as older programs write', heldAt('B009')],
  ['a home branch that is not assigned, as older programs write', { homeBranchId: 'B009' }],
]
for (const [what, user] of NOTHING) {
  test(`${what}: nothing happens`, () => assert.deepEqual(decide(someUser(user), { branchId: 'B009' }, AT), []))
}

test('a terminated user’s branches can’t be taken away', () => {
  const user = someUser({ status: 'terminated' })
  assert.throws(() => decide(user, { branchId: 'B002' }, AT), refusal('user-terminated'))
})

test('the home branch can’t be taken away', () => {
  assert.throws(() => decide(someUser({ roles: [] }), { branchId: 'B001' }, AT), refusal('branch-is-home', '/branchId'))
})

test('a branch where a role is held can’t be taken away', () => {
  const user = someUser(heldAt('B002'))
  assert.throws(() => decide(user, { branchId: 'B002' }, AT), refusal('branch-has-grants', '/branchId'))
})
