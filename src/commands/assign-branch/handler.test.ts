import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, many, refusal, someUser } from '../../../test/support/users.ts'
import type { UserEvent } from '../../domain/events.ts'
import { MAX_BRANCHES_PER_USER, type User } from '../../domain/user.ts'
import { decide } from './handler.ts'

const assigned: UserEvent = { type: 'branch-assigned', userId: 7, at: AT, branchId: 'B009' }
const movedTo = (branchId: string): UserEvent => ({ type: 'home-branch-changed', userId: 7, at: AT, branchId })
const full = many(MAX_BRANCHES_PER_USER, (i) => `F${i}`)

const TABLE: [what: string, user: Partial<User>, branchId: string, home: boolean, events: UserEvent[]][] = [
  ['a new branch is assigned; the home branch stays', {}, 'B009', false, [assigned]],
  ['a new branch becomes the home branch, and is assigned first', {}, 'B009', true, [assigned, movedTo('B009')]],
  ['an assigned branch becomes the home branch', {}, 'B002', true, [movedTo('B002')]],
  ['who has no home branch gets one', { homeBranchId: null }, 'B002', true, [movedTo('B002')]],
  ['a first branch is not the home branch by itself', { homeBranchId: null, branches: [] }, 'B009', false, [assigned]],
  ['a suspended user can be assigned', { status: 'suspended' }, 'B009', false, [assigned]],
  ['the last free place can be taken', { branches: full.slice(1) }, 'B009', false, [assigned]],
  ['a home branch moves though no place is free', { branches: full }, 'F5', true, [movedTo('F5')]],
  ['letter case tells branches apart', { branches: ['B001', 'b009'] }, 'B009', false, [assigned]],
  // Older programs can write such a user: asking for the home branch again puts it right.
  ['a home branch that is not assigned is assigned', { branches: [], homeBranchId: 'B009' }, 'B009', true, [assigned]],
  ['an assigned branch: nothing happens', {}, 'B002', false, []],
  ['the home branch, said without home: it stays the home branch', {}, 'B001', false, []],
  ['the home branch again: nothing happens', {}, 'B001', true, []],
  ['what a terminated user had already: nothing happens', { status: 'terminated' }, 'B001', true, []],
]
for (const [what, user, branchId, home, events] of TABLE) {
  test(what, () => assert.deepEqual(decide(someUser(user), { branchId, home }, AT), events))
}

test('a terminated user can’t be assigned, nor moved', () => {
  const user = someUser({ status: 'terminated' })
  assert.throws(() => decide(user, { branchId: 'B009', home: false }, AT), refusal('user-terminated'))
  assert.throws(() => decide(user, { branchId: 'B002', home: true }, AT), refusal('user-terminated'))
})

for (const home of [false, true]) {
  test(`a branch more than a user may have is refused (home: ${home})`, () => {
    const user = someUser({ branches: full })
    assert.throws(() => decide(user, { branchId: 'B009', home }, AT), refusal('too-many', '/branchId'))
  })
}
