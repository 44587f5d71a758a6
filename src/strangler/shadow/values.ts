// Numbers and times that are written in different ways.

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
/** Longer ones are no numbers that anybody means. */
const MAX_DECIMAL_CHARS = 64
/** RFC 3339, section 5.6; a space for the T, as its note allows. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,12})?(?:[Zz]|([+-])(\d\d):(\d\d))$/
const MINUTE_MS = 60_000
/** What adding and multiplying may have changed of what is written the same. */
const ROUNDING = 4 * Number.EPSILON

/** Also a number that is written as a string, as Django writes decimals; null: it is none. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.length > MAX_DECIMAL_CHARS || !DECIMAL.test(value)) return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

export function areNear(a: number, b: number, apart: number): boolean {
  return Math.abs(a - b) <= apart + ROUNDING * Math.max(Math.abs(a), Math.abs(b))
}

/** Milliseconds since 1970, with the fraction as it stands; null: no time of RFC 3339. */
export function momentOf(value: unknown): number | null {
  const parts = typeof value === 'string' ? TIMESTAMP.exec(value) : null
  if (parts === null) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number)
  const [, , , , , , , fraction = '0', sign = '+', offsetHour = '0', offsetMinute = '0'] = parts
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null
  // 60: a leap second.
  if (hour > 23 || minute > 59 || second > 60 || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null
  const offsetMs = (Number(offsetHour) * 60 + Number(offsetMinute)) * MINUTE_MS * (sign === '-' ? -1 : 1)
  const local = new Date(0)
  // Date.UTC would take the years 0 … 99 for 1900 … 1999.
  local.setUTCFullYear(year, month - 1, day)
  local.setUTCHours(hour, minute, second)
  return local.getTime() - offsetMs + Number(`0${fraction === '0' ? '' : fraction}`) * 1_000
}

function daysIn(year: number, month: number): number {
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return last.getUTCDate()
}
