import type { SqlValue } from '../../ports.ts'

/** Few lengths, so that few statements are prepared; a list is padded to the next by repeating its last value. */
const LENGTHS = [1, 10, 100, 500]

/** `(?, ?, …)` and its parameters. The longest list is the last of LENGTHS. */
export function inList(values: SqlValue[]): { sql: string; params: SqlValue[] } {
  const length = LENGTHS.find((l) => l >= values.length)
  const last = values.at(-1)
  if (length === undefined || last === undefined) throw new RangeError(`IN list of ${values.length} values`)
  const params = values.concat(new Array(length - values.length).fill(last))
  return { sql: `(${new Array(length).fill('?').join(', ')})`, params }
}
