import type { SqlValue } from '../../ports.ts'
import type { Table } from './protocol.ts'

/** What the driver tells of a column (SQLColAttribute). */
export type Column = {
  SQL_DESC_NAME: string
  SQL_DESC_TYPE_NAME: string
  SQL_DESC_SCALE: number
  /** Of a DECIMAL: its digits, sign and point. */
  SQL_DESC_DISPLAY_SIZE: number
}

/** A value that no SqlValue holds without loss. It names the column, never the value: that is somebody's data. */
export class UnreadableValueError extends Error {}

const DIGITS = /^-?\d+$/

/**
 * Rows as the driver fetched them, made exact: names in lower case; BIGINT, which comes as digits, as a number, or as its
 * digits where no number holds it; DECIMAL, which comes as a double, only where that lost nothing and it is whole; CHAR and VARCHAR without the
 * blanks that pad them. Throws UnreadableValueError.
 */
export function tableFrom(columns: Column[], rows: unknown[][]): Table {
  const names = columns.map(({ SQL_DESC_NAME: name }) => name.toLowerCase())
  const readers = columns.map(readerOf)
  return {
    columns: names,
    rows: rows.map((row) =>
      row.map((value, index) => {
        if (value === null || value === undefined) return null
        const read = readers[index]?.(value)
        if (read === undefined)
          throw new UnreadableValueError(`column ${names[index]} holds what cannot be read exactly`)
        return read
      }),
    ),
  }
}

type Reader = (value: unknown) => SqlValue | undefined

/** As many digits a double holds, whatever they are (IEEE 754), with sign and point. */
const EXACT_DISPLAY_SIZE = 15 + 2

function readerOf({ SQL_DESC_TYPE_NAME: type, SQL_DESC_SCALE: scale, SQL_DESC_DISPLAY_SIZE: size }: Column): Reader {
  const name = type.toUpperCase()
  if (/^(BIGINT|INT8|SERIAL8|BIGSERIAL)/.test(name)) return wholeOrDigits
  if (/^(DECIMAL|NUMERIC|MONEY|DECFLOAT)/.test(name)) {
    // Without a fraction a double is exact as far as a number is safe; with one, as far as its digits go.
    return scale === 0 || size <= EXACT_DISPLAY_SIZE ? wholeOnly : wholeDigits
  }
  if (/^BOOLEAN/.test(name)) return (value) => (isTrue(value) ? 1 : 0)
  if (/^(CHAR|NCHAR)\b/.test(name)) return (value) => (typeof value === 'string' ? value.replace(/ +$/, '') : undefined)
  return plain
}

function wholeOrDigits(value: unknown): SqlValue | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value !== 'string' || !DIGITS.test(value)) return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Of what may have been rounded on its way, only what came as its digits. */
function wholeDigits(value: unknown): SqlValue | undefined {
  return typeof value === 'string' ? wholeOnly(value) : undefined
}

/** A double that has a fraction, or is too great, is no whole number that a number holds. */
function wholeOnly(value: unknown): SqlValue | undefined {
  const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 't'
}

function plain(value: unknown): SqlValue | undefined {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)) ? value : undefined
}
