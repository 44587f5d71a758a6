import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decidePermission } from '../../src/domain/permissions.ts'
import type { User } from '../../src/domain/user.ts'
import * as checks from './checks.ts'
import type { Commit } from './history.ts'
import { modelOf } from './model.ts'

type Rows = Partial<Record<string, unknown>>
let seq = 0

/** User `userId` as the tables have them at `version`; null: deleted. */
function committed(userId: number, version: number, rows: Rows | null): Commit {
  seq += 1
  const all = {
    ...{ userId, username: `user.${userId}`, employeeNumber: null, givenName: 'Ann', familyName: 'Lee', email: null },
    ...{ phone: null, jobTitle: null, status: 'active', homeBranchId: 'B001', branches: ['B001'] },
    ...{ roles: [{ role: 'cashier', branchId: null }], limits: {}, preferences: {} },
    ...{ createdAt: '2020-01-01 00:00:00.000', updatedAt: '2020-01-01 00:00:00.000' },
    ...rows,
  }
  return { seq, entity: 'user', entityId: String(userId), version, state: rows === null ? null : JSON.stringify(all) }
}

function catalogue(version: number, effect: string): Commit {
  seq += 1
  const roles = [
    { role: 'cashier', title: 'Cashier', privileged: 0, permissions: [{ permission: 'receipt.void', effect }] },
  ]
  return { seq, entity: 'role', entityId: '*', version, state: JSON.stringify(roles) }
}

/**
 * User 1 got a title; user 2 moved to B002 and back; user 3 was deleted; user 4 was never anywhere else; 5 took over the
 * username of 1.
 */
function example() {
  const commits = [
    ...[
      committed(1, 5, {}),
      committed(1, 6, { jobTitle: 'Baker' }),
      committed(1, 7, { jobTitle: 'Baker', username: 'was.one' }),
    ],
    ...[committed(2, 5, {}), committed(2, 7, { branches: ['B002'] }), committed(2, 9, {})],
    ...[committed(3, 5, {}), committed(3, 6, null)],
    ...[committed(4, 5, {}), committed(5, 5, {}), committed(5, 6, { username: 'user.1' })],
    ...[catalogue(2, 'approve'), catalogue(3, 'allow')],
  ]
  const model = modelOf((after) => commits.filter((commit) => commit.seq > after))
  model.catchUp()
  return model
}

const model = example()
const body = (userId: number, version: number) => model.state(userId, version)?.body ?? ''
const list = (bodies: string[], more: object = { nextCursor: null }) =>
  `{"items":[${bodies}],${JSON.stringify(more).slice(1)}`
const seed = () => 5

test('a body that was committed, and is new enough, may be shown', () => {
  assert.equal(checks.wrongBody(model, 1, 6, body(1, 6)), null)
  assert.equal(checks.wrongBody(model, 1, 5, body(1, 7)), null)
})

test('an older version is caught', () => {
  assert.match(checks.wrongBody(model, 1, 6, body(1, 5)) ?? '', /version 5, but 6 must be shown/)
})

test('another user’s body is caught', () => {
  assert.match(checks.wrongBody(model, 1, 0, body(2, 5)) ?? '', /the body of user 2, asked for 1/)
})

test('a body that never was is caught: by one character, and a mixture of two versions', () => {
  assert.match(checks.wrongBody(model, 1, 0, body(1, 6).replace('Baker', 'baker')) ?? '', /a body that never was/)
  assert.match(
    checks.wrongBody(model, 1, 0, body(1, 5).replace('"version":5', '"version":6')) ?? '',
    /a body that never was/,
  )
  assert.match(checks.wrongBody(model, 1, 0, body(1, 7).replace('"version":7', '"version":8')) ?? '', /never committed/)
  assert.match(checks.wrongBody(model, 3, 0, body(3, 5).replace('"version":5', '"version":6')) ?? '', /no such user/)
  assert.notEqual(checks.wrongBody(model, 1, 0, 'null, or not even JSON'), null)
})

test('a 404 for somebody who lives is caught; for who was gone in between, or is not born yet, it may be', () => {
  assert.match(checks.wrongAbsence(model, 1, 5) ?? '', /has lived all along/)
  assert.equal(checks.wrongAbsence(model, 3, 5), null)
  assert.equal(checks.wrongAbsence(model, 1, 0), null)
  assert.equal(checks.wrongAbsence(model, 99, 0), null)
})

test('a 304 to who has an old version is caught', () => {
  assert.match(checks.wrongNotModified(model, 1, 6, 5) ?? '', /not modified since version 5, but 6/)
  assert.equal(checks.wrongNotModified(model, 1, 6, 6), null)
})

test('a username leads to who has it, and to nobody only when nobody has had it', () => {
  assert.equal(checks.wrongUsername(model, 'user.1', seed, body(5, 6)), null)
  assert.match(checks.wrongUsername(model, 'user.1', seed, body(1, 7)) ?? '', /the body of "was.one"/)
  assert.match(checks.wrongUsername(model, 'user.1', () => 7, body(1, 6)) ?? '', /version 6, but 7/)
  assert.match(checks.wrongNameless(model, 'user.4', seed) ?? '', /has had that username all along/)
  assert.equal(checks.wrongNameless(model, 'user.1', seed), null)
})

const roster = (candidates: number[], floorOf = (userId: number) => model.newest(userId)?.version ?? 0) => ({
  candidates,
  belongs: ({ branches }: User) => branches.includes('B001'),
  floorOf,
  byId: true,
})

test('a roster may show who belongs, and leave out who was elsewhere in between', () => {
  const all = [body(1, 7), body(2, 9), body(4, 5)]
  assert.equal(checks.wrongList(model, roster([1, 2, 3, 4]), list(all)), null)
  const lenient = roster([1, 2, 3, 4], () => 5)
  assert.equal(checks.wrongList(model, lenient, list([body(1, 6), body(4, 5)])), null)
})

test('a roster that lacks a member, shows a stranger, one twice, or an old body is caught', () => {
  const wrong = (bodies: string[], more?: object) =>
    checks.wrongList(model, roster([1, 2, 3, 4]), list(bodies, more)) ?? ''
  assert.match(wrong([body(1, 7), body(2, 9)]), /user 4 is not in the list/)
  assert.match(wrong([body(1, 7), body(4, 5)]), /user 2 is not in the list/)
  assert.match(
    checks.wrongList(
      model,
      roster([2], () => 7),
      list([body(2, 7)]),
    ) ?? '',
    /user 2 does not belong/,
  )
  assert.match(wrong([body(1, 7), body(1, 7)]), /user 1 twice/)
  assert.match(wrong([body(2, 9), body(1, 7)]), /user 1 after 2/)
  assert.match(wrong([body(1, 5), body(2, 9), body(4, 5)]), /version 5, but 7/)
})

test('a page answers for its part of the list only', () => {
  const page = (bodies: string[]) => checks.wrongList(model, roster([1, 2, 3, 4]), list(bodies, { nextCursor: 'more' }))
  assert.equal(page([body(1, 7), body(2, 9)]), null)
  assert.match(page([body(2, 9)]) ?? '', /user 1 is not in the list/)
})

test('several ids: each one shown as they are, or missing with reason, in order', () => {
  const wrong = (bodies: string[], missing: number[]) =>
    checks.wrongBulk(
      model,
      [1, 3, 4],
      (userId) => model.newest(userId)?.version ?? 0,
      list(bodies, { missing, nextCursor: null }),
    )
  assert.equal(wrong([body(1, 7), body(4, 5)], [3]), null)
  assert.match(wrong([body(4, 5), body(1, 7)], [3]) ?? '', /in their order/)
  assert.match(wrong([body(1, 7)], [3]) ?? '', /not the ids/)
  assert.match(wrong([body(1, 7)], [3, 4]) ?? '', /user 4 has lived all along/)
  assert.match(wrong([body(1, 6), body(4, 5)], [3]) ?? '', /version 6, but 7/)
})

test('a permission is what the versions in its tag come to, and both are new enough', () => {
  const question = { userId: 1, permission: 'receipt.void', branchId: 'B001' }
  const { userId, permission, branchId } = question
  const [user, roles] = [model.state(1, 7)?.user, model.catalogue(3)]
  assert.ok(user && roles)
  const right = JSON.stringify({ userId, branchId, ...decidePermission(user, roles, permission, branchId) })
  const wrong = (tag: string, text = right, least = { user: 7, catalogue: 3 }) =>
    checks.wrongPermission(model, question, least, tag, text) ?? ''
  assert.equal(wrong('"e.2.p.7.3"'), '')
  assert.match(wrong('"e.2.p.7.3"', right.replace('"allow"', '"deny"')), /by those versions it is/)
  assert.match(wrong('"e.2.p.7.2"', right), /catalogue at version 2, but 3/)
  assert.match(wrong('"e.2.p.6.3"', right), /user at version 6, but 7/)
  assert.match(wrong('"e.2.p.8.3"'), /there was no user 1 at version 8/)
  assert.match(wrong('"e.2.p.7.9"'), /never at version 9/)
  assert.match(wrong('"e.2.u.7"'), /the tag is/)
})
