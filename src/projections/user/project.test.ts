import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { someUser } from '../../../test/support/users.ts'
import { searchName } from '../../domain/names.ts'
import { MAX_USER_ID } from '../../domain/user.ts'
import { bareUserBody, userBody } from '../../wire/user.ts'
import { NOBODY } from './bodies.ts'
import { decodeTerms, encodeTerms, nameMember, projectGone, projectUser, type Terms, termsOf } from './project.ts'

const SEED = 20_240_609
const RUNS = { seed: SEED, numRuns: 300 }

test('a user is projected to the bytes that clients get, with and without what is personal, at the user’s version', () => {
  const user = someUser({ givenName: 'Zoë', preferences: { greeting: '👋' } })
  const { bodies, ...rest } = projectUser(user)
  assert.deepEqual(rest, { userId: 7, version: 5, terms: termsOf(user) })
  assert.equal(bodies.full.toString(), JSON.stringify(userBody(user)))
  assert.equal(bodies.bare.toString(), JSON.stringify(bareUserBody(user)))
})

test('who is gone is projected to nothing, at the version of going', () => {
  assert.deepEqual(projectGone(7, 9), { userId: 7, version: 9, bodies: NOBODY, terms: null })
})

test('the indexes know a user by username in lower case, folded name, and branches', () => {
  const user = someUser({ username: 'Zofia.WOJCIK', givenName: 'Zofia', familyName: 'Wójcik' })
  assert.deepEqual(termsOf(user), { username: 'zofia.wojcik', name: 'wojcik zofia', branches: ['B001', 'B002'] })
})

test('who is not active is on no roster, but can still be searched for and found by username', () => {
  for (const status of ['suspended', 'terminated'] as const) {
    assert.deepEqual(termsOf(someUser({ status })), { username: 'ann.lee', name: 'lee ann', branches: [] })
  }
})

const anyText = fc.string({ unit: 'binary', maxLength: 30 })
const terms: fc.Arbitrary<Terms> = fc.record(
  { username: anyText, name: anyText, branches: fc.array(anyText) },
  { noNullPrototype: true },
)

test(`terms come back as they were stored, and are stored in one way (seed ${SEED})`, () => {
  fc.assert(
    fc.property(terms, (given) => {
      const stored = encodeTerms(given)
      assert.deepEqual(decodeTerms(stored), given)
      assert.equal(encodeTerms({ branches: given.branches, name: given.name, username: given.username }), stored)
      // As bytes to Redis and back.
      assert.deepEqual(decodeTerms(Buffer.from(stored).toString()), given)
      assert.notEqual(stored, '')
    }),
    RUNS,
  )
})

test(`different terms are stored differently (seed ${SEED})`, () => {
  const near = fc.constantFrom('', 'a', ',', '"', '","', '[]', 'a","b')
  const close = fc.record({ username: near, name: near, branches: fc.array(near, { maxLength: 2 }) })
  fc.assert(
    fc.property(close, close, (a, b) => {
      const same = a.username === b.username && a.name === b.name && a.branches.join('|') === b.branches.join('|')
      assert.equal(encodeTerms(a) === encodeTerms(b), same && a.branches.length === b.branches.length)
    }),
    { ...RUNS, numRuns: 1_000 },
  )
})

test('no terms are stored as nothing', () => {
  assert.equal(encodeTerms(null), '')
  assert.equal(decodeTerms(''), null)
})

/** As Redis sorts members: by their bytes. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const member = (family: string, given: string, userId = 1) => nameMember(searchName(family, given), userId)

test('a member of the name index ends in the id, in digits that sort as numbers do', () => {
  assert.equal(nameMember('lee ann', 7), 'lee ann\0' + '0000000000000007')
  assert.equal(nameMember('lee ann', MAX_USER_ID), 'lee ann\0' + '9007199254740991')
  const sorted = [1, 2, 9, 10, 11, 99, 100, 123_456, 2 ** 31, 2 ** 32 + 1, 10 ** 15, MAX_USER_ID]
  assert.deepEqual(
    sorted.map((userId) => nameMember('lee ann', userId)).sort(byBytes),
    sorted.map((userId) => nameMember('lee ann', userId)),
  )
})

test('a shorter name stands before every longer one that begins with it, whatever the ids', () => {
  const sorted = [
    member('Lee', 'An', 900),
    member('Lee', 'Ann', 5),
    member('Lee', 'Ann', 800),
    member('Lee', 'Ann B', 3),
    member('Lee', "Ann'a", 2),
    member('Lee', 'Anna', 1),
    member('Leeds', 'Al', 4),
    member('Łeeland', 'A', 6),
    member('Ωmega', 'A', 7),
    member('佐藤', '陽子', 8),
    member('😀', 'A', 9),
  ]
  assert.deepEqual(sorted.toReversed().sort(byBytes), sorted)
})

test(`members sort by name, then by id; no two users share one (seed ${SEED})`, () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é', '佐', '\uffee', '😀'), maxLength: 4 })
  const userId = fc.integer({ min: 1, max: MAX_USER_ID })
  fc.assert(
    fc.property(name, name, userId, userId, (a, b, idOfA, idOfB) => {
      const [nameOfA, nameOfB] = [searchName(a, ''), searchName(b, '')]
      const order = byBytes(nameOfA, nameOfB) || Math.sign(idOfA - idOfB)
      assert.equal(byBytes(nameMember(nameOfA, idOfA), nameMember(nameOfB, idOfB)), order)
    }),
    RUNS,
  )
})

test(`no name can look like another’s member: NUL stands once, before the id (seed ${SEED})`, () => {
  fc.assert(
    fc.property(anyText, anyText, fc.integer({ min: 1, max: MAX_USER_ID }), (family, given, userId) => {
      assert.equal(member(`${family}\0`, given, userId).indexOf('\0'), member(family, given, userId).length - 17)
    }),
    RUNS,
  )
})

test('terms that nobody here has written are none', () => {
  for (const text of ['', '{', 'null', '7', '[]', '["ann","lee ann"]', '["ann","lee ann","B001"]'])
    assert.equal(decodeTerms(text), null, text)
})
