import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import type { SqlRow, SqlValue } from '../../ports.ts'
import { SqlError, type SqlErrorKind } from '../sql/errors.ts'

/** How long SQLite itself may wait for another process's lock, blocking the event loop: shorter than anybody notices. */
const BUSY_TIMEOUT_MS = 15
/** At the start nobody is served yet, and several processes may be switching the same file to WAL. */
const OPEN_TIMEOUT_MS = 5_000
const OPEN_PAUSE_MS = 5
const MAX_PREPARED_STATEMENTS = 300
const CACHE_KIB = 32_768

/**
 * One synchronous connection with its prepared statements. Every error comes out as a `SqlError`. An integer that no
 * JavaScript number holds comes as its digits; other programs may also have put bytes (a Uint8Array) into any column.
 */
export type Connection = {
  all(sql: string, params: SqlValue[]): SqlRow[]
  run(sql: string, params: SqlValue[]): number
  exec(sql: string): void
  close(): void
}

export function openConnection(path: string, { readOnly }: { readOnly: boolean }): Connection {
  const database = opened(path, readOnly)
  const statements = new LRUCache<string, StatementSync>({ max: MAX_PREPARED_STATEMENTS })
  const prepared = (sql: string) => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    all: (sql, params) => translating(() => allRows(prepared(sql), bindable(params))),
    // The id of the row inserted last comes with it, and may be one of those that no number holds.
    run: (sql, params) =>
      translating(() => withBigInts(prepared(sql), (statement) => Number(statement.run(...bindable(params)).changes))),
    exec: (sql) => translating(() => database.exec(sql)),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

/** `node:sqlite` would take an object for names and values, and bind NULL in its place. */
function bindable(params: SqlValue[]): SqlValue[] {
  if (params.some((param) => typeof param === 'object' && param !== null))
    throw new TypeError('an object cannot be bound')
  return params
}

/**
 * `node:sqlite` throws for an integer beyond 2^53 - 1, and all other rows would be lost with it. Reading everything as
 * BigInt costs every read; reading the whole again, once in a blue moon, costs nothing.
 */
function allRows(statement: StatementSync, params: SqlValue[]): SqlRow[] {
  try {
    return statement.all(...params) as SqlRow[]
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error
  }
  return withBigInts(statement, () => statement.all(...params).map(withoutBigInts))
}

function withBigInts<Result>(statement: StatementSync, work: (statement: StatementSync) => Result): Result {
  statement.setReadBigInts(true)
  try {
    return work(statement)
  } finally {
    statement.setReadBigInts(false)
  }
}

function withoutBigInts(row: Record<string, unknown>): SqlRow {
  for (const [column, value] of Object.entries(row)) {
    if (typeof value !== 'bigint') continue
    const number = Number(value)
    row[column] = Number.isSafeInteger(number) ? number : String(value)
  }
  return row as SqlRow
}

function opened(path: string, readOnly: boolean): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly, timeout: readOnly ? BUSY_TIMEOUT_MS : OPEN_TIMEOUT_MS })
    if (!readOnly) switchToWal(database)
    // NORMAL in WAL mode loses the last commits in a power cut, never consistency; this is not the production database.
    database.exec(`PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -${CACHE_KIB}`)
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
    return database
  } catch (error) {
    database?.close()
    throw new SqlError(classify(error), `${path} cannot be opened: ${messageOf(error)}.`, error)
  }
}

/**
 * Two who read the header and then both want the file for themselves would wait for each other: SQLite refuses one of them
 * at once, whatever its timeout (https://www.sqlite.org/c3ref/busy_handler.html), and it has to begin again.
 */
function switchToWal(database: DatabaseSync): void {
  const untilMs = performance.now() + OPEN_TIMEOUT_MS
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (classify(error) !== 'busy' || performance.now() >= untilMs) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_PAUSE_MS)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'SQLite failed'
}

function translating<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new SqlError(classify(error), messageOf(error), error)
  }
}

/** IOERR, CORRUPT, FULL, CANTOPEN, NOTADB. */
const UNAVAILABLE = [10, 11, 13, 14, 26]

/** Extended result codes of https://www.sqlite.org/rescode.html; the low byte is the primary code. */
function classify(error: unknown): SqlErrorKind {
  const code = (error as { errcode?: unknown }).errcode
  if (typeof code !== 'number') return 'other'
  if (code === 2067 || code === 1555) return 'duplicate'
  if (code === 787) return 'missing-parent'
  const primary = code & 0xff
  if (primary === 5 || primary === 6) return 'busy'
  return UNAVAILABLE.includes(primary) ? 'unavailable' : 'other'
}
