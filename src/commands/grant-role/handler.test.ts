import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, many, refusal, someUser } from '../../../test/support/users.ts'
import type { ErrorCode } from '../../domain/errors.ts'
import type { RoleCatalogue } from '../../domain/role.ts'
import { MAX_GRANTS_PER_USER, type User } from '../../domain/user.ts'
import { decide } from './handler.ts'

const CATALOGUE: RoleCatalogue = {
  version: 3,
  roles: ['auditor', 'cashier', 'key-holder'].map((role) => ({
    role,
    title: role,
    privileged: role === 'auditor',
    permissions: [],
  })),
}
const heldEverywhere = (count: number) => ({ roles: many(count, (i) => ({ role: `r${i}`, branchId: null })) })

const HAPPENS: [what: string, user: Partial<User>, role: string, branchId: string | null][] = [
  ['a role is granted everywhere', {}, 'auditor', null],
  ['a role is granted at an assigned branch', {}, 'auditor', 'B002'],
  ['a role held everywhere can be granted at a branch besides', {}, 'cashier', 'B002'],
  ['a role held at a branch can be granted everywhere besides', {}, 'key-holder', null],
  ['a role held at one branch can be granted at another', {}, 'key-holder', 'B002'],
  ['a role everywhere needs no branch', { branches: [], homeBranchId: null, roles: [] }, 'cashier', null],
  ['a suspended user can be granted a role', { status: 'suspended' }, 'auditor', null],
  ['the last free place can be taken', heldEverywhere(MAX_GRANTS_PER_USER - 1), 'auditor', null],
]
for (const [what, user, role, branchId] of HAPPENS) {
  test(what, () => {
    const granted = { type: 'role-granted', userId: 7, at: AT, role, branchId }
    assert.deepEqual(decide(someUser(user), CATALOGUE, { role, branchId }, AT), [granted])
  })
}

const NOTHING: [what: string, user: Partial<User>, role: string, branchId: string | null][] = [
  ['what is held everywhere', {}, 'cashier', null],
  ['what is held at the branch', {}, 'key-holder', 'B001'],
  ['what a terminated user held', { status: 'terminated' }, 'cashier', null],
  ['what is held, though the catalogue lost the role', { roles: [{ role: 'gone', branchId: null }] }, 'gone', null],
  ['what is held at a branch that is not assigned', { branches: [] }, 'key-holder', 'B001'],
  ['what is held, though no place is free', heldEverywhere(MAX_GRANTS_PER_USER), 'r0', null],
]
for (const [what, user, role, branchId] of NOTHING) {
  test(`${what} again: nothing happens`, () => {
    assert.deepEqual(decide(someUser(user), CATALOGUE, { role, branchId }, AT), [])
  })
}

const full = heldEverywhere(MAX_GRANTS_PER_USER)
type Refused = [what: string, user: Partial<User>, role: string, branchId: string | null, ErrorCode, field?: string]
const REFUSED: Refused[] = [
  ['a terminated user', { status: 'terminated' }, 'auditor', null, 'user-terminated'],
  ['a terminated user, whatever else is wrong', { ...full, status: 'terminated' }, 'x', 'B9', 'user-terminated'],
  ['a role that does not exist', {}, 'nobody', null, 'role-not-found', '/role'],
  ['a role in other letters', {}, 'Auditor', null, 'role-not-found', '/role'],
  ['a branch that is not assigned', {}, 'auditor', 'B009', 'branch-not-assigned', '/branchId'],
  ['a role held everywhere, at a branch not assigned', {}, 'cashier', 'B009', 'branch-not-assigned', '/branchId'],
  ['one more than a user may hold', full, 'auditor', null, 'too-many', '/role'],
]
for (const [what, user, role, branchId, code, field] of REFUSED) {
  test(`${what} is refused: ${code}`, () => {
    assert.throws(() => decide(someUser(user), CATALOGUE, { role, branchId }, AT), refusal(code, field))
  })
}
