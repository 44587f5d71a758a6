import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { someUser } from '../../test/support/users.ts'
import { compareGrants, compareText, type Grant, holdsGrant, isUserId, MAX_USER_ID, normaliseUsername } from './user.ts'

const SEED = 20_240_602
const RUNS = { seed: SEED, numRuns: 300 }

const usernames: [compared: string, ...written: string[]][] = [
  ['zofia.wojcik', 'Zofia.Wojcik', 'ZOFIA.WOJCIK', 'zofia.wojcik'],
  ['az_09-', 'AZ_09-'],
  // ASCII only: the database compares no other letters without regard to case.
  ['Å', 'Å'],
  ['ÇaĞ', 'ÇAĞ'],
  ['\u212a', '\u212a'],
  ['İ', 'İ'],
  ['', ''],
]
for (const [compared, ...written] of usernames) {
  test(`the username ${JSON.stringify(compared)} is compared without regard to ASCII case, and only that`, () => {
    for (const username of written) assert.equal(normaliseUsername(username), compared)
  })
}

test(`changing the case of any ASCII letters changes no username (seed ${SEED})`, () => {
  const cased = fc.string({ unit: 'binary-ascii', maxLength: 64 }).chain((username) =>
    fc.infiniteStream(fc.boolean()).map((flips) => {
      const letters = [...username].map((letter) => (flips.next().value ? letter.toUpperCase() : letter.toLowerCase()))
      return [username, letters.join('')] as const
    }),
  )
  fc.assert(
    fc.property(cased, ([a, b]) => assert.equal(normaliseUsername(a), normaliseUsername(b))),
    RUNS,
  )
})

test(`usernames keep their length, and normalising twice is normalising once (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 64 }), (username) => {
      const normalised = normaliseUsername(username)
      assert.equal(normalised.length, username.length)
      assert.equal(normaliseUsername(normalised), normalised)
    }),
    RUNS,
  )
})

test('the largest id is one that JSON carries exactly', () => {
  assert.equal(JSON.parse(String(MAX_USER_ID)), MAX_USER_ID)
  assert.equal(MAX_USER_ID, 2 ** 53 - 1)
})

test('a grant is held only where it is held', () => {
  const user = someUser({
    roles: [
      { role: 'cashier', branchId: null },
      { role: 'baker', branchId: 'B001' },
    ],
  })
  const table: [role: string, branchId: string | null, held: boolean][] = [
    ['cashier', null, true],
    ['cashier', 'B001', false],
    ['baker', 'B001', true],
    ['baker', 'B002', false],
    ['baker', null, false],
    ['Cashier', null, false],
    ['auditor', null, false],
  ]
  for (const [role, branchId, held] of table) {
    assert.equal(holdsGrant(user, role, branchId), held, `${role} at ${branchId}`)
  }
})

test('grants are sorted by role, the one held everywhere first, then by branch', () => {
  const sorted: Grant[] = [
    { role: 'Z', branchId: 'B9' },
    { role: 'a', branchId: null },
    { role: 'a', branchId: 'B1' },
    { role: 'a', branchId: 'B10' },
    { role: 'a', branchId: 'B2' },
    { role: 'a-b', branchId: null },
  ]
  assert.deepEqual(sorted.toReversed().sort(compareGrants), sorted)
})

test('text is sorted by code units, the same on every machine', () => {
  assert.deepEqual(['é', 'a', 'Z', 'z', '9', '-', 'aa', ''].sort(compareText), ['', '-', '9', 'Z', 'a', 'aa', 'z', 'é'])
})

test(`comparing is an order: no text before itself, and none both before and after another (seed ${SEED})`, () => {
  const short = fc.string({ unit: fc.constantFrom('a', 'A', 'é', '😀'), maxLength: 3 })
  fc.assert(
    fc.property(short, short, short, (a, b, c) => {
      assert.equal(compareText(a, b) + compareText(b, a), 0)
      assert.equal(compareText(a, b) === 0, a === b)
      if (compareText(a, b) < 0 && compareText(b, c) < 0) assert.ok(compareText(a, c) < 0)
    }),
    RUNS,
  )
})

test('a user’s number is a whole one above 0, as far as numbers are exact', () => {
  for (const id of [1, 2, Number.MAX_SAFE_INTEGER]) assert.equal(isUserId(id), true, String(id))
  for (const id of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    assert.equal(isUserId(id), false, String(id))
})

test('a grant everywhere comes before those of its role at branches', () => {
  const grants: Grant[] = [
    { role: 'b', branchId: null },
    { role: 'a', branchId: 'B2' },
    { role: 'a', branchId: null },
    { role: 'a', branchId: 'B1' },
  ]
  const written = grants.toSorted(compareGrants).map(({ role, branchId }) => `${role} ${branchId}`)
  assert.deepEqual(written, ['a null', 'a B1', 'a B2', 'b null'])
})
