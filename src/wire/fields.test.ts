import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { z } from 'zod'
import { many } from '../../test/support/users.ts'
import { LIMIT_NAMES } from '../domain/limits.ts'
import { MAX_USER_ID } from '../domain/user.ts'
import {
  BranchId,
  digitsUpTo,
  Email,
  EmployeeNumber,
  GivenName,
  LimitNameParam,
  LimitValue,
  line,
  PermissionName,
  Phone,
  PreferenceKey,
  PreferenceValue,
  RoleName,
  UserId,
  UserIdParam,
  Username,
  UsernameParam,
  Version,
} from './fields.ts'

const SEED = 20_240_608
const VARCHAR_BYTES = 255
const EVERY = 61

type Field = { field: z.ZodType; good: unknown[]; bad: unknown[] }
const a = (count: number) => 'a'.repeat(count)
/** All that is not half a pair on the plane that most are on; of the others' every so many: each is refused, or none is. */
const CHARACTERS = many(0x110000, (code) => code).filter(
  (code) => code < 0xd800 || (code > 0xdfff && code < 0x10000) || (code > 0xffff && code % EVERY === 0),
)

const FIELDS: Record<string, Field> = {
  'a user id in a path': {
    field: UserIdParam,
    good: ['1', '9', '10', '1000000000000000', String(MAX_USER_ID)],
    bad: ['0', '01', '-1', '+1', '1.0', '1e3', '0x10', ' 1', '1 ', '1\n', '', '٣', 'x', '9007199254740992', a(17), 1],
  },
  'a user id': { field: UserId, good: [1, MAX_USER_ID], bad: [0, -1, 1.5, MAX_USER_ID + 1, Number.NaN, '1', null] },
  'a branch': {
    field: BranchId,
    good: ['B001', 'b', '-', '0', a(16)],
    bad: ['', a(17), 'B 1', 'B_1', 'B.1', 'B/1', 'É', 'B1\n', '\0', 1, null],
  },
  'a new username': {
    field: Username,
    good: ['zofia.wojcik', 'abc', '...', '0_-', a(64)],
    bad: ['ab', a(65), 'Zofia', 'zofia wojcik', 'zofia@wojcik', 'żofia', 'abc\n', 'ab\u212a', '', null],
  },
  'a username in a path': {
    field: UsernameParam,
    good: ['ab', 'Zofia Wójcik', '佐藤', '{x}', '\u007e', '😀'.repeat(64), a(64)],
    bad: ['', a(65), '😀'.repeat(65), 'a\0', 'a\n', '\u007f', '\ud83d', 'x\ude00', null],
  },
  'a role': {
    field: RoleName,
    good: ['cashier', 'Cash.Office_2-b', 'x', a(32)],
    bad: ['', a(33), 'cash office', 'cash/office', 'é', '*', 'x\n', null],
  },
  'a permission': {
    field: PermissionName,
    good: ['receipt.void', 'x', 'A_-.9', a(64)],
    bad: ['', a(65), 'receipt void', 'receipt/void', '*', 'x\n', null],
  },
  'the name of a limit': {
    field: LimitNameParam,
    good: [...LIMIT_NAMES, 'Discount-Percent', '__proto__', a(32)],
    bad: ['', a(33), 'discount percent', 'a/b', '*', 'x\n', null],
  },
  'the value of a limit': {
    field: LimitValue,
    good: [0, 15, 1_000_000_000],
    bad: [-1, 0.5, 1_000_000_001, '15', null, Number.NaN, Number.POSITIVE_INFINITY],
  },
  'the key of a preference': {
    field: PreferenceKey,
    good: ['theme', '__proto__', 'A.b_c-9', a(64)],
    bad: ['', a(65), 'a b', 'a/b', 'é', 'a\n', null],
  },
  'the value of a preference': {
    field: PreferenceValue,
    good: [' ', 'Dzień dobry! 👋', 'a\tb\r\nc', '\u202e', '👩🏽‍🍳', '😀'.repeat(500), a(500)],
    bad: ['', a(501), '😀'.repeat(501), 'a\0', '\u0008', '\u000b', '\u001b[0m', '\u007f', '\ud83d', '\ude00x', 1, null],
  },
  'a name': {
    field: GivenName,
    good: ['Zofia', 'X', '佐', 'Ó Súilleabháin', "O'Brien", 'D’Arcy', 'a\u200db', 'பெருமாள்', '😀'.repeat(63), a(63)],
    bad: ['', ' ', a(64), '😀'.repeat(64), ' Zofia', 'Zofia ', 'Zo\nfia', 'Zo\0fia', 'Zofia\n', '\u00a0Zofia', null],
  },
  'an employee number': {
    field: EmployeeNumber,
    good: ['E-0001', '7', a(32)],
    bad: ['', a(33), 'E 1', 'E_1', 'É1', '1\n', 1],
  },
  'an e-mail address': {
    field: Email,
    good: ['zofia.wojcik@example.com', "o'b%+_-x@a.b", 'a@b.c.d.e', `${a(64)}@${a(40)}.${a(40)}.${a(40)}.${a(40)}`],
    bad: [
      '',
      'zofia',
      '@example.com',
      'zofia@',
      'zofia@example',
      'a@b..c',
      'a@.b',
      'a@b.',
      'a@b.c.d.e.f',
      'a b@c.d',
    ].concat([
      'a@b@c.d',
      'a@b c.d',
      'a@b.c\n',
      '\na@b.c',
      'ä@b.c',
      'a@b_c.d',
      `${a(65)}@b.c`,
      `a@${a(41)}.b`,
      'a,b@c.d',
      '<a@b.c>',
    ]),
  },
  'a telephone number': {
    field: Phone,
    good: ['+48 22 555 01 00', '112', '+1 (212) 555-0100', '+1.212/5', `+${'1'.repeat(30)}`],
    bad: ['', '1', '11', '+11', '++111', '1-', '-11', '11 1 ', ' 111', '1a1', '١١١', '1'.repeat(31), '111\n', 111],
  },
  'a version': { field: Version, good: [0, Number.MAX_SAFE_INTEGER], bad: [-1, 0.5, 2 ** 53, '1', null] },
}

for (const [name, { field, good, bad }] of Object.entries(FIELDS)) {
  describe(name, () => {
    test('takes what it should', () => {
      for (const value of good) assert.ok(field.safeParse(value).success, JSON.stringify(value))
    })
    test('refuses what it should, saying what is allowed and not what was sent', () => {
      for (const value of bad) {
        const { success, error } = field.safeParse(value)
        assert.ok(!success, JSON.stringify(value))
        assert.ok(error.issues.length > 0)
        if (typeof value !== 'string' || value.trim().length < 4) continue
        for (const { message } of error.issues) assert.ok(!message.includes(value), message)
      }
    })
    test('refuses other types', () => {
      for (const value of [undefined, true, [], {}, ['1'], [1]]) assert.ok(!field.safeParse(value).success)
    })
  })
}

test('a user id in a path becomes the number that it says', () => {
  assert.equal(UserIdParam.parse(String(MAX_USER_ID)), MAX_USER_ID)
  assert.equal(UserIdParam.parse('42'), 42)
})

/** In hexadecimal, as the tables of Unicode have them. */
const tell = (codes: number[]) => codes.map((code) => code.toString(16))

describe('which characters a name may hold', () => {
  const edges: [from: number, to: number][] = [
    [0x00, 0x20],
    [0x7f, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200f],
    [0x2028, 0x202f],
    [0x205f, 0x206f],
    [0x3000, 0x3000],
    [0xfeff, 0xfeff],
  ]
  const nowhere: [from: number, to: number][] = [
    [0x00, 0x1f],
    [0x7f, 0x9f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
  ]
  const within = (ranges: [number, number][]) => (code: number) =>
    ranges.some(([from, to]) => code >= from && code <= to)
  const refusedAs = (place: (letter: string) => string) =>
    CHARACTERS.filter((code) => !GivenName.safeParse(place(String.fromCodePoint(code))).success)

  test('blanks and what is not seen are refused at the beginning, at the end, and alone', () => {
    const refused = tell(CHARACTERS.filter(within(edges)))
    for (const place of [(c: string) => c, (c: string) => `${c}a`, (c: string) => `a${c}`]) {
      assert.deepEqual(tell(refusedAs(place)), refused)
    }
  })

  test('control characters, line separators and direction overrides are refused everywhere, nothing else', () => {
    assert.deepEqual(tell(refusedAs((c) => `a${c}a`)), tell(CHARACTERS.filter(within(nowhere))))
  })
})

test('half a surrogate pair is refused wherever it stands, in all text', () => {
  for (const half of ['\ud83d', '\ude00', '\ude00\ud83d']) {
    for (const text of [half, `${half}a`, `a${half}`, `a${half}a`]) {
      for (const field of [GivenName, PreferenceValue, UsernameParam]) {
        assert.ok(!field.safeParse(text).success, `${JSON.stringify(text)}`)
      }
    }
  }
})

test(`what a name takes fits its column of ${VARCHAR_BYTES} bytes, and one code point more is refused (seed ${SEED})`, () => {
  const letter = fc.constantFrom(...CHARACTERS).map((code) => String.fromCodePoint(code))
  fc.assert(
    fc.property(letter, fc.integer({ min: 1, max: 63 }), (each, length) => {
      const name = each.repeat(length)
      if (GivenName.safeParse(name).success) assert.ok(Buffer.byteLength(name) <= VARCHAR_BYTES)
      assert.ok(!GivenName.safeParse(each.repeat(64)).success)
    }),
    { seed: SEED, numRuns: 300 },
  )
})

test('a line counts code points, down to lines of two', () => {
  const two = line(2, 'Two.', 'ab')
  for (const good of ['a', 'ab', '😀😀', '佐藤']) assert.ok(two.safeParse(good).success, good)
  for (const bad of ['', 'abc', '😀😀😀', 'a ', ' a']) assert.ok(!two.safeParse(bad).success, bad)
})

test('no pattern takes long over any input', () => {
  const hostile = ['a', ' ', '.', '-', '1 ', 'a.', 'a@', 'a@a.a', '+1(', '😀'].map((part) => part.repeat(20_000))
  const started = performance.now()
  for (const { field } of Object.values(FIELDS)) {
    for (const text of hostile) assert.ok(!field.safeParse(`${text}\0`).success)
  }
  // A few milliseconds, if time grows with length; minutes, if with its square.
  assert.ok(performance.now() - started < 2_000)
})

test('the digits up to a number are those of all numbers from 1 to it, and no others', () => {
  for (const max of [10, 19, 101, 200, 998, 999, 1_000, 1_234]) {
    const pattern = new RegExp(`^${digitsUpTo(max)}$`)
    for (let n = 0; n <= max + 1_100; n += 1)
      assert.equal(pattern.test(String(n)), n >= 1 && n <= max, `${n} of ${max}`)
  }
  const ids = new RegExp(`^${digitsUpTo(Number.MAX_SAFE_INTEGER)}$`)
  for (const id of ['1', '9007199254740991', '8999999999999999', '9007199254740989']) assert.ok(ids.test(id), id)
  for (const id of ['0', '9007199254740992', '9007199254741000', '9008000000000000', '10000000000000000', '01'])
    assert.ok(!ids.test(id), id)
})
