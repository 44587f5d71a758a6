import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import type { User } from '../../domain/user.ts'
import { decide } from './handler.ts'

type Row = [what: string, user: Partial<User>, role: string, branchId: string | null]
const both = {
  roles: [
    { role: 'cashier', branchId: null },
    { role: 'cashier', branchId: 'B001' },
  ],
}

const HAPPENS: Row[] = [
  ['a role held everywhere is taken back', {}, 'cashier', null],
  ['a role held at a branch is taken back', {}, 'key-holder', 'B001'],
  ['of a role held everywhere and at a branch, the one everywhere is taken back', both, 'cashier', null],
  ['of a role held everywhere and at a branch, the one at the branch is taken back', both, 'cashier', 'B001'],
  ['a grant at a branch that is not assigned can be taken back', { branches: [] }, 'key-holder', 'B001'],
  ['a suspended user’s role can be taken back', { status: 'suspended' }, 'cashier', null],
]
for (const [what, user, role, branchId] of HAPPENS) {
  test(what, () => {
    const revoked = { type: 'role-revoked', userId: 7, at: AT, role, branchId }
    assert.deepEqual(decide(someUser(user), { role, branchId }, AT), [revoked])
  })
}

const NOTHING: Row[] = [
  ['a role that is not held', {}, 'auditor', null],
  ['a role held everywhere, at a branch', {}, 'cashier', 'B001'],
  ['a role held at a branch, everywhere', {}, 'key-holder', null],
  ['a role held at a branch, at another one', {}, 'key-holder', 'B002'],
  ['a role that a terminated user does not hold', { status: 'terminated' }, 'auditor', null],
]
for (const [what, user, role, branchId] of NOTHING) {
  test(`${what}: nothing happens`, () => assert.deepEqual(decide(someUser(user), { role, branchId }, AT), []))
}

test('a terminated user’s role can’t be taken back', () => {
  const user = someUser({ status: 'terminated' })
  assert.throws(() => decide(user, { role: 'cashier', branchId: null }, AT), refusal('user-terminated'))
})
