import { DomainError } from '../../domain/errors.ts'
import type { DatabaseObserver, PoolCounts, PoolName } from '../../ports/metrics.ts'
import type { Database, Session, SqlRow, SqlValue } from '../../ports.ts'
import { isSqlError, surfaced } from '../sql/errors.ts'
import { again } from './again.ts'
import { commitMarkers } from './commit-markers.ts'
import { deadlineIn, msUntil } from './connection.ts'
import { SERVERS, type ServerName } from './dialect.ts'
import type { startDriver } from './driver.ts'
import { wasDeadlock } from './errors.ts'
import { connectionPool, type Pool, type PoolOptions } from './pool.ts'
import { driverProcesses } from './processes.ts'
import { transactions } from './transaction.ts'

export type PoolSettings = { connections: number; processes: number; timeoutMs: number }
export type InformixOptions = {
  server: ServerName
  connectionString: string
  /** What the driver's processes are given: paths of its libraries, and its own settings. */
  environment: Readonly<Record<string, string>>
  connectTimeoutMs: number
  lockWaitMs: number
  /** Apart, so that a call which must be ended takes none of the others along. */
  read: PoolSettings
  write: PoolSettings
  scan: PoolSettings
  observer?: Pick<DatabaseObserver, 'waited' | 'processStarted'> | undefined
  /** For tests. */
  pool?: Partial<PoolOptions>
  start?: typeof startDriver
  resolveLimitMs?: number
}
export type Informix = Database & {
  scan: Pick<Session, 'query'>
  counts(): Record<PoolName, PoolCounts>
}

const MS = 1_000
const OPEN_SLACK_MS = 1_000

/**
 * A database that IBM's driver reaches over DRDA. Nothing is opened before it is needed. Every call ends by its deadline:
 * a read that finds its connection lost is tried once more; a transaction as transaction.ts says.
 */
export function openInformix(options: InformixOptions): Informix {
  const { dialect, checkSql, setUp } = SERVERS[options.server]
  const lockWaitSeconds = Math.ceil(options.lockWaitMs / MS)
  const { observer } = options
  const started = (name: PoolName, { connections, processes }: PoolSettings) => {
    const role = name === 'write' ? 'write' : 'read'
    const children = driverProcesses(processes, {
      ...options,
      setUp: setUp(role, lockWaitSeconds),
      checkSql,
      maxConnections: connections,
      onStart: () => observer?.processStarted(name),
    })
    const pool = connectionPool({
      ...options.pool,
      size: connections,
      open: children.open,
      // The driver's own limit comes first: past this one its whole process is given up.
      openLimitMs: options.connectTimeoutMs + OPEN_SLACK_MS,
      onWaited: (ms) => observer?.waited(name, ms),
    })
    const close = () => pool.close().finally(children.close)
    return { pool, close, counts: () => ({ ...pool.counts(), size: connections }) }
  }
  const [read, write, scan] = [
    started('read', options.read),
    started('write', options.write),
    started('scan', options.scan),
  ]
  const markers = commitMarkers(write.pool, dialect, options)
  const inTransaction = transactions({ pool: write.pool, markers, limitMs: options.write.timeoutMs })
  const query = readTwice(read.pool, options.read.timeoutMs)
  return {
    dialect,
    query,
    scan: { query: readTwice(scan.pool, options.scan.timeoutMs) },
    execute: (sql, params = []) => surfacing(executeAgain(write.pool, options.write.timeoutMs, sql, params)),
    transaction: (work, how) => surfacing(inTransaction(work, how)),
    ping: async () => void (await query(checkSql)),
    counts: () => ({ read: read.counts(), write: write.counts(), scan: scan.counts() }),
    async close() {
      markers.stop()
      await Promise.all([read.close(), write.close(), scan.close()])
    },
  }
}

/** A connection that the server dropped while it was idle shows it at its next use; the second is a fresh one. */
function readTwice(pool: Pool, limitMs: number): Session['query'] {
  return async <Row extends SqlRow>(sql: string, params: SqlValue[] = []) => {
    if (!/^\s*SELECT\b/i.test(sql)) throw new TypeError('only a SELECT is a query')
    const deadline = deadlineIn(limitMs)
    const read = () => pool.use(deadline, (connection) => connection.query(sql, params, deadline))
    const rows = read().catch((error) => {
      if (!isSqlError(error, 'unavailable') || msUntil(deadline) === 0) throw error
      return read()
    })
    return (await surfacing(rows)) as Row[]
  }
}

/** One statement that commits by itself. Only a deadlock's victim is known to be undone. */
function executeAgain(pool: Pool, limitMs: number, sql: string, params: SqlValue[]): Promise<number> {
  const deadline = deadlineIn(limitMs)
  const once = () => pool.use(deadline, (connection) => connection.execute(sql, params, deadline))
  return again(once, wasDeadlock, deadline)
}

/** What a caller can mend gets its own word. */
async function surfacing<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (isSqlError(error, 'not-storable')) {
      throw new DomainError('not-storable', 'The database’s code set has no place for a character of this text.')
    }
    if (isSqlError(error, 'too-long')) {
      throw new DomainError('not-storable', 'A value is longer than its column in the database.')
    }
    throw surfaced(error)
  }
}
