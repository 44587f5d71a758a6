import { setTimeout as wait } from 'node:timers/promises'
import { DomainError } from '../../domain/errors.ts'
import type { Database, Session, SqlRow, SqlValue } from '../../ports.ts'
import { isSqlError, surfaced } from '../sql/errors.ts'
import { type Connection, openConnection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'

/** How long a write may wait for its turn (in this process, then for other processes' locks) before `busy`. */
const LOCK_WAIT_MS = 5_000
const RETRY_STEP_MS = 10
const MAX_WAITING_WRITES = 256

/**
 * The embedded database. Reads have a connection of their own, so that they see committed rows only; writes go through
 * one other connection, one transaction at a time, because SQLite has one writer anyhow. `node:sqlite` is synchronous:
 * what may take long is read in a thread (scan-thread.ts).
 */
export function openSqlite(path: string, { lockWaitMs = LOCK_WAIT_MS }: SqliteOptions = {}): Database {
  const writer = openConnection(path, { readOnly: false })
  const reader = openConnection(path, { readOnly: false })
  reader.exec('PRAGMA query_only = ON')
  const inTurn = oneAtATime()
  const untilNotBusy = untilUnlocked(lockWaitMs)
  return {
    ...readingFrom(reader, untilNotBusy),
    dialect: sqliteDialect,
    execute: (sql, params = []) => inTurn(() => untilNotBusy(() => writer.run(sql, params))),
    transaction: (work) => inTurn(() => inTransaction(writer, untilNotBusy, work)),
    ping: () => untilNotBusy(() => readAnew(path)),
    // However many writes wait, it comes after them.
    close: () =>
      inTurn(async () => {
        reader.close()
        writer.close()
      }, Number.POSITIVE_INFINITY),
  }
}
export type SqliteOptions = { lockWaitMs?: number }
type UntilNotBusy = ReturnType<typeof untilUnlocked>

/** The pages that a connection has cached stay readable when the file is gone or damaged: only a new one looks. */
function readAnew(path: string): void {
  const connection = openConnection(path, { readOnly: true })
  try {
    connection.all('SELECT epoch FROM service_epoch', [])
  } finally {
    connection.close()
  }
}

function readingFrom(connection: Connection, untilNotBusy: UntilNotBusy): Pick<Session, 'query'> {
  return {
    query: async <Row extends SqlRow>(sql: string, params: SqlValue[] = []) =>
      untilNotBusy(() => connection.all(sql, params) as Row[]),
  }
}

/** BEGIN IMMEDIATE takes the write lock at once: nothing read inside can have become old by the time of the write. */
async function inTransaction<Result>(
  connection: Connection,
  untilNotBusy: UntilNotBusy,
  work: (session: Session) => Promise<Result>,
) {
  await untilNotBusy(() => connection.exec('BEGIN IMMEDIATE'))
  try {
    const result = await work({
      ...readingFrom(connection, untilNotBusy),
      execute: async (sql, params = []) => connection.run(sql, params),
    })
    connection.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(connection)
    throw surfaced(error)
  }
}

/** Some errors have rolled back already; then ROLLBACK itself fails, and the first error is the one to tell. */
function rollBack(connection: Connection) {
  try {
    connection.exec('ROLLBACK')
  } catch (error) {
    if (!isSqlError(error, 'other') && !isSqlError(error, 'unavailable')) throw error
  }
}

/** SQLite waits by blocking the thread, so it may wait only briefly; the rest of the wait is done here, asynchronously. */
function untilUnlocked(lockWaitMs: number) {
  return async <Result>(work: () => Result): Promise<Result> => {
    const deadline = Date.now() + lockWaitMs
    for (;;) {
      try {
        return work()
      } catch (error) {
        if (!isSqlError(error, 'busy')) throw surfaced(error)
        if (Date.now() > deadline) throw surfaced(error)
        await wait(RETRY_STEP_MS * (0.5 + Math.random()))
      }
    }
  }
}

function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async <Result>(work: () => Promise<Result>, maxWaiting = MAX_WAITING_WRITES): Promise<Result> => {
    if (waiting >= maxWaiting) throw new DomainError('busy', 'Too many writes are waiting.')
    waiting += 1
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine.finally(() => {
      waiting -= 1
    })
  }
}
