import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { refusal } from '../../test/support/users.ts'
import { foldName, searchName } from '../domain/names.ts'
import { CursorParam, DEFAULT_PAGE, decodeCursor, LimitParam, MAX_PAGE, pageBody } from './page.ts'

const SEED = 20_240_607
const FILTER = { branchId: null, role: null, status: null, q: 'wojcik' }
const KEY = `wojcik zofia\0${'7'.padStart(16, '0')}`
const invalid = refusal('invalid-cursor', '/cursor')

const cursorFor = (filter: object, key: string): string => JSON.parse(pageBody([], filter, key)).nextCursor
const made = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url')
const contentOf = (cursor: string): [number, string, string] => JSON.parse(Buffer.from(cursor, 'base64url').toString())
const [, HASH] = contentOf(cursorFor(FILTER, KEY))

test('a page is its bodies as they are, with more and a cursor behind them', () => {
  const bodies = [Buffer.from('{"userId":1,"givenName":"Zoë"}'), Buffer.from('{"userId":2}')]
  assert.equal(pageBody([], {}, null), '{"items":[],"nextCursor":null}')
  assert.equal(pageBody(bodies.slice(1), {}, null), '{"items":[{"userId":2}],"nextCursor":null}')
  assert.equal(
    pageBody(bodies, {}, null, { missing: [9] }),
    '{"items":[{"userId":1,"givenName":"Zoë"},{"userId":2}],"missing":[9],"nextCursor":null}',
  )
  const { items, nextCursor } = JSON.parse(pageBody(bodies, FILTER, KEY))
  assert.deepEqual(items, [{ userId: 1, givenName: 'Zoë' }, { userId: 2 }])
  assert.equal(decodeCursor(FILTER, nextCursor), KEY)
})

test('without a cursor a list begins at its beginning', () => {
  assert.equal(decodeCursor(FILTER, undefined), null)
})

test(`a cursor leads back to its key, and may be sent as it is (seed ${SEED})`, () => {
  const text = fc.string({ unit: 'binary', maxLength: 63 })
  fc.assert(
    fc.property(text, text, fc.nat(), (family, given, userId) => {
      const key = `${searchName(family, given)}\0${String(userId).padStart(16, '0')}`
      const cursor = cursorFor(FILTER, key)
      assert.equal(decodeCursor(FILTER, cursor), key)
      assert.ok(CursorParam.safeParse(cursor).success)
      assert.equal(encodeURIComponent(cursor), cursor)
    }),
    { seed: SEED, numRuns: 300 },
  )
})

test('the longest names make cursors that are not too long', () => {
  for (const letter of ['a', '"', '\\', '佐', '한', '\ufffd', '😀', '\u{10348}']) {
    const key = `${foldName(letter.repeat(300))}\0${'9'.repeat(16)}`
    const cursor = cursorFor(FILTER, key)
    assert.ok(CursorParam.safeParse(cursor).success, `${letter}: ${cursor.length} characters`)
    assert.equal(decodeCursor(FILTER, cursor), key)
  }
})

const OTHERS: [what: string, filter: object][] = [
  ['another value', { ...FILTER, q: 'wojci' }],
  ['one filter more', { ...FILTER, branchId: 'B001' }],
  ['one filter less', { ...FILTER, q: null }],
  ['a value in the place of another', { ...FILTER, q: null, role: 'wojcik' }],
  ['none', {}],
]
for (const [what, filter] of OTHERS) {
  test(`a cursor is refused with other filters: ${what}`, () => {
    assert.throws(() => decodeCursor(filter, cursorFor(FILTER, KEY)), invalid)
    assert.throws(() => decodeCursor(FILTER, cursorFor(filter, KEY)), invalid)
  })
}

test('a cursor that was cut anywhere is refused', () => {
  const cursor = cursorFor(FILTER, 'wojcik zofia\0'.padEnd(29, '0'))
  for (let length = 0; length < cursor.length; length += 1) {
    assert.throws(() => decodeCursor(FILTER, cursor.slice(0, length)), invalid, `${length} characters`)
    if (length > 0) assert.throws(() => decodeCursor(FILTER, cursor.slice(length)), invalid, `without ${length}`)
  }
})

test('a cursor with one character changed is refused, or is a cursor of the same filters for another key', () => {
  const cursor = cursorFor(FILTER, KEY)
  for (let at = 0; at < cursor.length; at += 1) {
    for (const letter of ['A', '-', '9']) {
      const tampered = cursor.slice(0, at) + letter + cursor.slice(at + 1)
      try {
        assert.equal(decodeCursor(FILTER, tampered), contentOf(tampered)[2])
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'invalid-cursor', tampered)
      }
    }
  }
})

const FORGED: [what: string, content: unknown][] = [
  ['another version', [2, HASH, KEY]],
  ['a version that is text', ['1', HASH, KEY]],
  ['a key that is a number', [1, HASH, 7]],
  ['no key', [1, HASH]],
  ['a null key', [1, HASH, null]],
  ['more than a key', [1, HASH, KEY, 'more']],
  ['another hash', [1, `${HASH.slice(0, -1)}!`, KEY]],
  ['an empty hash', [1, '', KEY]],
  ['an object', { 0: 1, 1: HASH, 2: KEY }],
  ['null', null],
  ['a number', 1],
  ['text', 'key'],
  ['nothing', []],
  ['a key that is no place in a search', [1, HASH, '7']],
  ['a place without an id', [1, HASH, 'wojcik\0']],
  ['a place with half an id', [1, HASH, 'wojcik\x007']],
]
for (const [what, content] of FORGED) {
  test(`a forged cursor is refused: ${what}`, () => assert.throws(() => decodeCursor(FILTER, made(content)), invalid))
}

const BY_ID = { ...FILTER, q: null }
const [, ID_HASH] = contentOf(cursorFor(BY_ID, '7'))
test('a list by id goes on after an id, as it writes ids', () => {
  for (const key of ['1', '7', '9007199254740991']) assert.equal(decodeCursor(BY_ID, made([1, ID_HASH, key])), key)
  for (const key of ['', '0', '-1', '07', '1e3', '0x10', 'abc', ' 7', '7\n', '9007199254740992', KEY]) {
    assert.throws(() => decodeCursor(BY_ID, made([1, ID_HASH, key])), invalid, key)
  }
})

test('another spelling of the same bytes is refused', () => {
  const cursor = cursorFor(BY_ID, '7')
  const spaced = Buffer.from(`[1, "${ID_HASH}", "7"]`).toString('base64url')
  for (const other of [`${cursor}A`, `${cursor}AA`, `${cursor}_`, `${cursor}=`, spaced]) {
    assert.throws(() => decodeCursor(BY_ID, other), invalid, other)
  }
})

test('what is no cursor at all is refused, and not repeated in the message', () => {
  for (const cursor of ['', 'x', 'AAAA', '____', 'c2VjcmV0', 'A'.repeat(1_024), made('secret')]) {
    assert.throws(() => decodeCursor(FILTER, cursor), {
      ...invalid,
      message: 'The cursor is damaged, or was given for other filters.',
    })
  }
})

test('a cursor in a query is 1 to 1024 characters of base64url, or absent', () => {
  for (const cursor of ['A', '-_', 'A'.repeat(1_024), undefined]) assert.ok(CursorParam.safeParse(cursor).success)
  for (const cursor of ['', 'A'.repeat(1_025), 'A+', 'A/', 'A=', 'A A', 'é', 'A\n', null, 7]) {
    assert.ok(!CursorParam.safeParse(cursor).success, String(cursor))
  }
})

test(`a page size is a number from 1 to ${MAX_PAGE}, in plain digits, or absent`, () => {
  for (let size = 1; size <= MAX_PAGE; size += 1) assert.equal(LimitParam.parse(String(size)), size)
  assert.equal(LimitParam.parse(undefined), undefined)
  for (const size of ['0', '201', '999', '1000', '-1', '+1', '01', '1.0', '1e2', ' 1', '1 ', '1\n', '', '٣', 'x', 5]) {
    assert.ok(!LimitParam.safeParse(size).success, JSON.stringify(size))
  }
  assert.ok(DEFAULT_PAGE >= 1 && DEFAULT_PAGE <= MAX_PAGE)
})
