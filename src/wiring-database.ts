import { join } from 'node:path'
import { connectionString } from './adapters/informix/connection-string.ts'
import { type Informix, openInformix } from './adapters/informix/database.ts'
import { isRefusedForGood } from './adapters/informix/errors.ts'
import { mappedDatabase } from './adapters/sql/mapped-database.ts'
import { type Mapping, mappingFrom } from './adapters/sql/mapping.ts'
import { measuredDatabase } from './adapters/sql/measured-database.ts'
import { tracedDatabase, tracedQueries } from './adapters/sql/traced-database.ts'
import { openSqlite } from './adapters/sqlite/database.ts'
import { openScanThread } from './adapters/sqlite/scan-thread.ts'
import { ensureSqliteSchema } from './adapters/sqlite/schema.ts'
import type { Config } from './config.ts'
import type { DatabaseConfig } from './config-database.ts'
import { DomainError } from './domain/errors.ts'
import type { DatabaseObserver } from './ports/metrics.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Database, Session } from './ports.ts'

const MS = 1_000
/** To make an index over everybody, or to count them, takes its time. */
const SCHEMA_LIMIT_MS = 6 * 3_600_000

/** `scan`: for what may take long. `pools`: of connections; null where there are none. `close` ends both. */
export type OpenDatabase = {
  database: Database
  scan: Pick<Session, 'query'>
  pools: Informix['counts'] | null
  close(): Promise<void>
}
type Where = Pick<Config, 'dataDir' | 'database'>

export function databasePath({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'users.db')
}

/** The database that the settings name, or else the embedded one, which is made when it is not there. */
export function openDatabase(
  { database: remote, dataDir }: Where,
  observer?: DatabaseObserver,
  tracing: Tracing | null = null,
): OpenDatabase {
  const observed = <One extends Database>(one: One): One => {
    const measured = observer ? measuredDatabase(one, observer) : one
    return tracing ? tracedDatabase(measured, tracing) : measured
  }
  const scanning = (scan: Pick<Session, 'query'>) => (tracing ? tracedQueries(scan, tracing) : scan)
  if (remote !== null) {
    const database = observed(mappedDatabase(openRemote(remote, observer), mappingFrom(remote.mapping)))
    return { database, scan: scanning(database.scan), pools: database.counts, close: database.close }
  }
  const path = databasePath({ dataDir })
  ensureSqliteSchema(path)
  const database = observed(openSqlite(path))
  const scan = openScanThread(path)
  const close = async () => {
    await scan.close()
    await database.close()
  }
  return { database, scan: scanning(scan), pools: null, close }
}

function openRemote(remote: DatabaseConfig, observer?: DatabaseObserver): Informix {
  const connectTimeoutSeconds = Math.max(1, Math.floor(remote.connectTimeoutMs / MS))
  return openInformix({ ...remote, observer, connectionString: connectionString({ ...remote, connectTimeoutSeconds }) })
}

export const databaseMapping = ({ database }: Pick<Config, 'database'>): Mapping => mappingFrom(database?.mapping ?? {})

/** Under the names that the site itself uses: for statements that look at the database and not at its people. */
export function openUnmapped({ database: remote }: Pick<Config, 'database'>) {
  if (remote === null) throw new OutOfReachError('DATABASE_URL is not set.')
  const patient = { connections: 1, processes: 1, timeoutMs: SCHEMA_LIMIT_MS }
  const database = openRemote({ ...remote, read: patient, write: patient, scan: patient })
  return { database, name: remote.database, close: database.close }
}

/** What whoever started this can mend: shown as one sentence (main.ts). */
export class OutOfReachError extends Error {
  readonly expected = true
  /** Whether the next attempt may succeed without anybody having mended anything of this process. */
  readonly mayPass: boolean

  constructor(message: string, options?: ErrorOptions & { mayPass?: boolean }) {
    super(message, options)
    this.mayPass = options?.mayPass ?? false
  }
}

/** Which history the database is in. Rejects with OutOfReachError. */
export type ReadEpoch = (database: Database) => Promise<string>

export async function readEpoch(database: Database): Promise<string> {
  const [row] = await database.query<{ epoch: string }>('SELECT epoch FROM service_epoch').catch(sayOutOfReach)
  if (!row) throw new OutOfReachError('service_epoch has no row: the database is not set up.')
  return row.epoch
}

/** A database that cannot be reached is said in one sentence; anything else is a fault. */
export function sayOutOfReach(error: unknown): never {
  if (!(error instanceof DomainError)) throw error
  const why = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  const { cause } = error
  if (isRefusedForGood(cause))
    throw new OutOfReachError(`The database cannot be used with what DATABASE_URL says${why}.`, { cause: error })
  throw new OutOfReachError(`The database does not answer: is it running, and DATABASE_URL right?${why}`, {
    cause: error,
    mayPass: true,
  })
}
