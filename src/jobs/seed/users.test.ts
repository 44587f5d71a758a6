import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { checkLimit } from '../../domain/limits.ts'
import { foldName } from '../../domain/names.ts'
import {
  compareGrants,
  compareText,
  MAX_BRANCHES_PER_USER,
  MAX_GRANTS_PER_USER,
  MAX_PREFERENCES_PER_USER,
  normaliseUsername,
  type User,
} from '../../domain/user.ts'
import {
  BranchId,
  Email,
  EmployeeNumber,
  FamilyName,
  GivenName,
  JobTitle,
  Phone,
  PreferenceKey,
  PreferenceValue,
  UserId,
  Username,
} from '../../wire/fields.ts'
import { UserBody, userBody } from '../../wire/user.ts'
import { GREETINGS, JOB_TITLES, NAMES } from './names.ts'
import { seedRoles } from './roles.ts'
import { SEED_BRANCHES, SEED_VERSION, seedUsers } from './users.ts'

/** Enough that every branch, role, name and oddity turns up. */
const COUNT = 5_000
const SEED = 1
const people = [...seedUsers({ count: COUNT, seed: SEED })]
const made = people.slice(1)
const PINNED = [
  [1, 'zofia.wojcik', 'B001'],
  [2, 'user.2', 'B075'],
  [3, 'user.3', 'B346'],
  [4, 'user.4', 'B551'],
  [5, 'user.5', 'B268'],
  [6, 'gudrun.aebelo.6', 'B470'],
  [7, 'oyvind.lindstrom.7', 'B485'],
  [8, 'ibrahim.isik.8', 'B187'],
]

/** Fails with the ids of the first few who are not as they should be. */
function everybody(what: string, holds: (user: User) => boolean): void {
  const others = people.filter((user) => !holds(user)).map(({ id }) => id)
  assert.deepEqual(others.slice(0, 5), [], what)
}
const share = (holds: (user: User) => boolean): number => made.filter(holds).length / made.length
const about = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.02, `${actual} should be about ${expected}`)

test('the same seed makes the same people, each the same whatever the count', () => {
  assert.deepEqual([...seedUsers({ count: 500, seed: SEED })], people.slice(0, 500))
  assert.deepEqual([...seedUsers({ count: 1, seed: SEED })], people.slice(0, 1))
  assert.deepEqual([...seedUsers({ count: 0, seed: SEED })], [])
})

test('these are the people, in every release: documents and benchmarks name them', () => {
  assert.deepEqual(
    people.slice(0, PINNED.length).map(({ id, username, homeBranchId }) => [id, username, homeBranchId]),
    PINNED,
  )
})

test('another seed makes other people under the same ids', () => {
  const others = [...seedUsers({ count: 1_000, seed: SEED + 1 })]
  assert.deepEqual(
    others.map(({ id }) => id),
    people.slice(0, 1_000).map(({ id }) => id),
  )
  const same = others.slice(1).filter((other, i) => other.createdAt === made[i]?.createdAt)
  assert.deepEqual(same, [])
})

test('ids count from 1, and usernames are unique without regard to case', () => {
  assert.deepEqual(
    people.map(({ id }) => id),
    Array.from({ length: COUNT }, (_, i) => i + 1),
  )
  assert.equal(new Set(people.map(({ username }) => normaliseUsername(username))).size, COUNT)
})

test('user 1 is the one that the documents show', () => {
  for (const seed of [0, 1, 99]) {
    const [first] = seedUsers({ count: 1, seed })
    assert.equal(first?.username, 'zofia.wojcik')
    assert.equal(first.status, 'active')
    assert.deepEqual(first.branches, ['B001', 'B014'])
  }
})

test('there are 620 branches, all of them staffed, and all 24 roles are held', () => {
  const branches = new Set(people.flatMap((user) => user.branches))
  assert.equal(SEED_BRANCHES, 620)
  assert.equal(branches.size, SEED_BRANCHES)
  assert.deepEqual([...branches].sort().slice(0, 2), ['B001', 'B002'])
  assert.ok(branches.has('B620'))
  const held = new Set(people.flatMap((user) => user.roles.map(({ role }) => role)))
  assert.deepEqual(
    [...held].sort(),
    seedRoles().map(({ role }) => role),
  )
})

test('about a tenth is suspended or terminated, some of each', () => {
  about(
    share(({ status }) => status !== 'active'),
    0.1,
  )
  about(
    share(({ status }) => status === 'suspended'),
    0.04,
  )
  about(
    share(({ status }) => status === 'terminated'),
    0.06,
  )
})

test('most work at one branch, a quarter at up to four; a fifth of the grants hold everywhere', () => {
  about(
    share(({ branches }) => branches.length === 1),
    0.75,
  )
  assert.deepEqual(new Set(people.map(({ branches }) => branches.length)), new Set([1, 2, 3, 4]))
  const grants = made.flatMap(({ roles }) => roles)
  about(grants.filter(({ branchId }) => branchId === null).length / grants.length, 0.2)
})

test('what may be missing is missing here and there', () => {
  for (const [field, missing] of [
    ['employeeNumber', 0.05],
    ['email', 0.1],
    ['phone', 0.3],
    ['jobTitle', 0.15],
  ] as const) {
    about(
      share((user) => user[field] === null),
      missing,
    )
  }
  assert.ok(people.some(({ limits }) => Object.keys(limits).length === 0))
  assert.ok(people.some(({ preferences }) => Object.keys(preferences).length === 0))
})

test('everybody could have been registered and changed over the API: each field is one that it takes', () => {
  const takes = (field: z.ZodType) => (value: unknown) => value === null || field.safeParse(value).success
  const details = [
    ['username', takes(Username)],
    ['employeeNumber', takes(EmployeeNumber)],
    ['givenName', takes(GivenName)],
    ['familyName', takes(FamilyName)],
    ['email', takes(Email)],
    ['phone', takes(Phone)],
    ['jobTitle', takes(JobTitle)],
    ['id', takes(UserId)],
  ] as const
  for (const [field, isTaken] of details) everybody(field, (user) => isTaken(user[field]))
  everybody('branches', ({ branches }) => branches.every(takes(BranchId)))
  everybody('preference keys', ({ preferences }) => Object.keys(preferences).every(takes(PreferenceKey)))
  everybody('preferences', ({ preferences }) => Object.values(preferences).every(takes(PreferenceValue)))
})

test('everybody obeys the rules of the domain', () => {
  const roles = new Set(seedRoles().map(({ role }) => role))
  everybody('home is assigned', (user) => user.homeBranchId !== null && user.branches.includes(user.homeBranchId))
  everybody('branches once', ({ branches }) => new Set(branches).size === branches.length)
  everybody('roles exist', (user) => user.roles.every(({ role }) => roles.has(role)))
  everybody('grants are at assigned branches', (user) =>
    user.roles.every(({ branchId }) => branchId === null || user.branches.includes(branchId)),
  )
  everybody(
    'grants once',
    (user) => new Set(user.roles.map((grant) => JSON.stringify(grant))).size === user.roles.length,
  )
  everybody('not too many of anything', ({ branches, roles: grants, preferences }) => {
    const counts = [branches.length, grants.length, Object.keys(preferences).length]
    const most = [MAX_BRANCHES_PER_USER, MAX_GRANTS_PER_USER, MAX_PREFERENCES_PER_USER]
    return counts.every((count, i) => count <= (most[i] ?? 0))
  })
  for (const { limits } of people) for (const [name, value] of Object.entries(limits)) checkLimit(name, value)
})

test('everybody is as the database would show them: lists in order, times in milliseconds, in a row', () => {
  const inOrder = <Value>(values: Value[], compare: (a: Value, b: Value) => number) =>
    values.slice(1).every((value, i) => compare(values[i] as Value, value) < 0)
  everybody('branches in order', ({ branches }) => inOrder(branches, compareText))
  everybody('grants in order', ({ roles }) => inOrder(roles, compareGrants))
  everybody('limits in order', ({ limits }) => inOrder(Object.keys(limits), compareText))
  everybody('preferences in order', ({ preferences }) => inOrder(Object.keys(preferences), compareText))
  for (const time of ['createdAt', 'updatedAt'] as const) {
    everybody(time, (user) => new Date(user[time]).toISOString() === user[time])
  }
  everybody('made before changed', ({ createdAt, updatedAt }) => createdAt <= updatedAt)
  everybody('nothing of the future', ({ updatedAt }) => updatedAt < '2026')
  everybody('version', ({ version }) => version === SEED_VERSION)
  const documented = UserBody.strict()
  everybody('a body that is documented', (user) => documented.safeParse(userBody(user)).success)
})

test('nobody can be written to or called: addresses and numbers are those set aside for examples', () => {
  everybody('email', ({ email }) => email === null || email.endsWith('@example.com'))
  everybody('phone', ({ phone }) => phone === null || /^\+1 \d{3} 555 01\d\d$/.test(phone))
})

const SCRIPTS = [
  'Latin',
  'Greek',
  'Cyrillic',
  'Han',
  'Hiragana',
  'Hangul',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Tamil',
  'Thai',
]
for (const script of SCRIPTS) {
  test(`there are people whose names are written in ${script}`, () => {
    const pattern = new RegExp(`\\p{Script=${script}}`, 'u')
    assert.ok(people.filter(({ givenName, familyName }) => pattern.test(givenName + familyName)).length > 20)
  })
}

test('there are names with marks, strokes, apostrophes, hyphens and blanks, and of one letter', () => {
  const names = people.flatMap(({ givenName, familyName }) => [givenName, familyName])
  for (const pattern of [/^\p{Lu}.*\p{M}/u, /[łøđ]/, /'/, /-/, / /, /^.$/u, /ß/, /ı/, /İ/, /^[A-Za-z]{2,}$/]) {
    const asTyped = names.some((name) => pattern.test(name) || pattern.test(name.normalize('NFD')))
    assert.ok(asTyped, String(pattern))
  }
})

test('every name of the table is somebody’s, and given and family name are of one language', () => {
  const pairs = new Set(NAMES.flatMap(({ given, family }) => given.flatMap((g) => family.map((f) => `${g}|${f}`))))
  everybody('of one language', ({ givenName, familyName }) => pairs.has(`${givenName}|${familyName}`))
  const [given, family] = [
    new Set(people.map((user) => user.givenName)),
    new Set(people.map((user) => user.familyName)),
  ]
  for (const names of NAMES) {
    assert.ok(names.given.every((name) => given.has(name)))
    assert.ok(names.family.every((name) => family.has(name)))
  }
  const titles = new Set(people.map(({ jobTitle }) => jobTitle))
  for (const title of JOB_TITLES) assert.ok(titles.has(title))
})

test('usernames are readable where names fold to ASCII, and there where they do not', () => {
  const readable = made.filter(({ givenName, familyName }) =>
    /^[a-z]+$/.test(foldName(givenName) + foldName(familyName)),
  )
  assert.ok(readable.length > COUNT / 10)
  for (const { id, username, givenName, familyName } of readable) {
    assert.equal(username, `${foldName(givenName)}.${foldName(familyName)}.${id.toString(36)}`)
  }
  const [unreadable] = made.filter(({ familyName }) => familyName === '佐藤')
  assert.equal(unreadable?.username, `user.${unreadable?.id.toString(36)}`)
})

test('there are emoji in preferences, also of several code points, and each greeting is somebody’s', () => {
  const values = new Set(people.flatMap(({ preferences }) => Object.values(preferences)))
  for (const greeting of GREETINGS) assert.ok(values.has(greeting), greeting)
  assert.ok([...values].some((value) => /\p{RGI_Emoji}/v.test(value)))
  assert.ok([...values].some((value) => /\p{Emoji}\p{Emoji_Modifier}\u200d/u.test(value)))
})
