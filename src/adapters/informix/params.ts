import type { SqlValue } from '../../ports.ts'

const MAX_INT32 = 2 ** 31 - 1

/**
 * Parameters in a form that the driver binds exactly. It would write NULL for a Date or a BigInt and round a number of
 * more than 32 bits without a word: the first throw a TypeError that names the place and the kind, never the value; the
 * others go as their digits. A NUL would end the text at the driver.
 */
export function boundParams(params: readonly SqlValue[]): (string | number | null)[] {
  return params.map((value, index) => {
    const bound = boundParam(value)
    if (bound === undefined) throw new TypeError(`parameter ${index + 1} cannot be bound exactly: ${kindOf(value)}`)
    return bound
  })
}

function boundParam(value: unknown): string | number | null | undefined {
  if (value === null) return null
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? undefined : value
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined
  return Math.abs(value) > MAX_INT32 ? String(value) : value
}

function kindOf(value: unknown): string {
  if (typeof value === 'number') return 'a number that is no safe integer'
  if (typeof value === 'string') return 'text with a NUL or half a character'
  return value instanceof Date ? 'a Date' : typeof value
}
