import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { boundParams } from './params.ts'
import { tableFrom, UnreadableValueError } from './results.ts'

/** A type with the digits of a DECIMAL behind it: `DECIMAL(16,2)`. */
function column(name: string, type: string) {
  const [, bare = type, digits = '10', scale = '0'] = /^(\w+)\((\d+),(\d+)\)$/.exec(type) ?? []
  const size = Number(digits) + 2
  return { SQL_DESC_NAME: name, SQL_DESC_TYPE_NAME: bare, SQL_DESC_SCALE: Number(scale), SQL_DESC_DISPLAY_SIZE: size }
}
const read = (type: string, value: unknown) => tableFrom([column('X', type)], [[value]]).rows[0]?.[0]

describe('parameters', () => {
  test('text, 32-bit numbers and NULL go as they are; greater numbers as their digits', () => {
    const values = ['', 'Zoë 😀', 0, -1, 2 ** 31 - 1, null]
    assert.deepEqual(boundParams(values), values)
    assert.deepEqual(boundParams([2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]), [
      '2147483648',
      '-2147483648',
      '9007199254740991',
      '-9007199254740991',
    ])
  })

  const REFUSED: [what: string, value: unknown][] = [
    ['a Date', new Date(0)],
    ['a BigInt', 1n],
    ['a fraction', 1.5],
    ['a number beyond 2^53 - 1', 2 ** 53],
    ['NaN', Number.NaN],
    ['a boolean', true],
    ['nothing', undefined],
    ['an object', { Data: 'x' }],
    ['a NUL', 'a\0b'],
    ['half a character', '\ud83d'],
  ]
  for (const [what, value] of REFUSED) {
    test(`refused, by its place and kind, and not repeated: ${what}`, () => {
      assert.throws(() => boundParams([1, value as string]), {
        name: 'TypeError',
        message: /^parameter 2 cannot be bound/,
      })
    })
  }
})

describe('results', () => {
  test('names come in lower case', () => {
    assert.deepEqual(tableFrom([column('USER_ID', 'BIGINT'), column('n', 'INTEGER')], [['7', 1]]), {
      columns: ['user_id', 'n'],
      rows: [[7, 1]],
    })
  })

  test('every safe integer comes back from BIGINT as it went', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (n) => assert.equal(read('BIGINT', String(n)), n)),
      { seed: 20261128 },
    )
  })

  const ROWS: [type: string, value: unknown, expected: unknown][] = [
    ['BIGINT', '9007199254740992', '9007199254740992'],
    ['BIGSERIAL', '5', 5],
    ['DECIMAL', 12, 12],
    ['DECIMAL(32,0)', 12, 12],
    ['DECIMAL(15,2)', 12, 12],
    ['DECIMAL(20,4)', '12', 12],
    ['DECIMAL', '12', 12],
    ['CHAR', 'B1   ', 'B1'],
    ['CHAR', '', ''],
    ['VARCHAR', 'B1  ', 'B1  '],
    ['VARCHAR', '', ''],
    ['VARCHAR', '12', '12'],
    ['TIMESTAMP', '2020-01-01 00:00:00.000000', '2020-01-01 00:00:00.000000'],
    ['BOOLEAN', true, 1],
    ['BOOLEAN', 'f', 0],
    ['VARCHAR', null, null],
    ['BIGINT', null, null],
  ]
  for (const [type, value, expected] of ROWS) {
    test(`${type} ${JSON.stringify(value)}`, () => assert.equal(read(type, value), expected))
  }

  for (const [type, value] of [
    ['DECIMAL', 0.1],
    ['DECIMAL', 2 ** 53],
    ['DECIMAL(20,4)', 12],
    ['DECIMAL(15,2)', 12.5],
    ['BIGINT', 'x'],
    ['DOUBLE', Number.NaN],
    ['BLOB', Buffer.from('x')],
  ] as const) {
    test(`${type} ${String(value)} is refused, by its column`, () => {
      assert.throws(
        () => read(type, value),
        (error: Error) => error instanceof UnreadableValueError && /^column x /.test(error.message),
      )
    })
  }
})
