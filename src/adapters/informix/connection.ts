import type { SqlRow, SqlValue } from '../../ports.ts'
import { SqlError } from '../sql/errors.ts'
import { type Answer, type Driver, DriverFailure } from './driver.ts'
import { sqlErrorFrom } from './errors.ts'
import { boundParams } from './params.ts'
import { type Call, STATES, type Table } from './protocol.ts'

/** A moment of `performance.now()` by which a caller wants its answer. */
export type Deadline = number
export const deadlineIn = (ms: number): Deadline => performance.now() + ms
export const msUntil = (deadline: Deadline): number => Math.max(0, Math.ceil(deadline - performance.now()))

/** One session of the database. Every call rejects with a SqlError, at the latest by its deadline. */
export type Connection = {
  query(sql: string, params: SqlValue[], deadline: Deadline): Promise<SqlRow[]>
  execute(sql: string, params: SqlValue[], deadline: Deadline): Promise<number>
  begin(deadline: Deadline): Promise<void>
  commit(deadline: Deadline): Promise<void>
  rollback(deadline: Deadline): Promise<void>
  /** Asks the database something that costs it next to nothing. */
  check(deadline: Deadline): Promise<void>
  /** False once a call has found it lost, or too late: what the session holds is not known any more. */
  isWhole(): boolean
  close(): Promise<void>
}

export type ConnectionOptions = { connectionString: string; setUp: string[]; checkSql: string }

const CLOSE_LIMIT_MS = 2_000
const ROLLBACK_LIMIT_MS = 2_000
let lastNumber = 0

export async function openConnection(
  driver: Driver,
  { connectionString, setUp, checkSql }: ConnectionOptions,
  deadline: Deadline,
): Promise<Connection> {
  lastNumber += 1
  const number = lastNumber
  let whole = true
  const call = async (what: Call, until: Deadline): Promise<Answer> => {
    const limitMs = msUntil(until)
    if (limitMs === 0) throw sqlErrorFrom({ code: 0, state: STATES.notSent, text: 'no time is left' })
    try {
      return await driver.call(number, what, limitMs)
    } catch (error) {
      const refusal = error instanceof DriverFailure ? sqlErrorFrom(error.failure) : error
      if (refusal instanceof SqlError && refusal.kind === 'unavailable') whole = false
      throw refusal
    }
  }
  /** Where a transaction could not be begun or ended, nobody knows whether the next one would be its own. */
  const ending = async (what: Call, until: Deadline): Promise<void> => {
    try {
      await call(what, until)
    } catch (error) {
      whole = false
      throw error
    }
  }
  await call({ call: 'open', connectionString, setUp }, deadline)
  const query = async (sql: string, params: SqlValue[], until: Deadline) =>
    rowsOf((await call({ call: 'query', sql, params: boundParams(params) }, until)) as Table)
  return {
    query,
    execute: async (sql, params, until) =>
      (await call({ call: 'execute', sql, params: boundParams(params) }, until)) as number,
    begin: (until) => ending({ call: 'begin' }, until),
    commit: (until) => ending({ call: 'commit' }, until),
    rollback: (until) => ending({ call: 'rollback' }, until),
    check: async (until) => void (await query(checkSql, [], until)),
    isWhole: () => whole && driver.isWhole(),
    close: async () => {
      whole = false
      // What cannot be closed may still hold locks: it ends with its process.
      await driver.call(number, { call: 'close' }, CLOSE_LIMIT_MS).catch(driver.giveUp)
    },
  }
}

/** The next one must not find it open. What cannot be rolled back is closed, and the server rolls it back. */
export async function rollBack(connection: Connection): Promise<void> {
  if (connection.isWhole()) await connection.rollback(deadlineIn(ROLLBACK_LIMIT_MS)).catch(() => undefined)
}

function rowsOf({ columns, rows }: Table): SqlRow[] {
  return rows.map((values) => {
    const row: SqlRow = {}
    for (const [index, column] of columns.entries()) row[column] = values[index] ?? null
    return row
  })
}
