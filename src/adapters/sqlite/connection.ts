import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import type { SqlRow, SqlValue } from '../../ports.ts'
import { SqlError, type SqlErrorKind } from '../sql/errors.ts'

/** How long SQLite itself may wait for another process's lock, blocking the event loop: shorter than anybody notices. */
const BUSY_TIMEOUT_MS = 15
const MAX_PREPARED_STATEMENTS = 300
const CACHE_KIB = 32_768

/** One synchronous connection with its prepared statements. Every error comes out as a `SqlError`. */
export type Connection = {
  all(sql: string, params: SqlValue[]): SqlRow[]
  run(sql: string, params: SqlValue[]): number
  exec(sql: string): void
  close(): void
}

export function openConnection(path: string, { readOnly }: { readOnly: boolean }): Connection {
  const database = translating(() => new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS }))
  translating(() => {
    if (!readOnly) database.exec('PRAGMA journal_mode = WAL')
    // NORMAL in WAL mode loses the last commits in a power cut, never consistency; this is not the production database.
    database.exec(`PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -${CACHE_KIB}`)
  })
  const statements = new LRUCache<string, StatementSync>({ max: MAX_PREPARED_STATEMENTS })
  const prepared = (sql: string) => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    all: (sql, params) => translating(() => prepared(sql).all(...params) as SqlRow[]),
    run: (sql, params) => translating(() => Number(prepared(sql).run(...params).changes)),
    exec: (sql) => translating(() => database.exec(sql)),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

function translating<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new SqlError(classify(error), error instanceof Error ? error.message : 'SQLite failed', error)
  }
}

/** Extended result codes of https://www.sqlite.org/rescode.html; the low byte is the primary code. */
function classify(error: unknown): SqlErrorKind {
  const code = (error as { errcode?: unknown }).errcode
  if (typeof code !== 'number') return 'other'
  if (code === 2067 || code === 1555) return 'duplicate'
  if (code === 787) return 'missing-parent'
  const primary = code & 0xff
  if (primary === 5 || primary === 6) return 'busy'
  return primary === 10 || primary === 13 || primary === 14 || primary === 26 ? 'unavailable' : 'other'
}
