import { type Connection, openConnection } from './connection.ts'

/** In tables.sql what follows this line belongs to the service; what stands before it belongs to others. */
const OURS = '-- Tables that this service owns.'
/** In every database that was set up for this service, whichever its release. */
const KEPT_SINCE_EVER = 'service_epoch'
const STATEMENT = /^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)[^;]*;/gm
/** Of processes that start together the others wait for the one that adds: empty tables are made in no time. */
const LOCK_WAIT_MS = 10_000

/**
 * Adds the service's own tables and indexes that a database of an earlier release lacks. What is there is never altered:
 * a release that needs that has to say how. `tables` is the whole of tables.sql.
 */
export function addMissing(path: string, tables: string): void {
  const connection = openConnection(path, { readOnly: false })
  try {
    // Most starts find nothing to do, and take no lock.
    if (missing(connection, tables).length === 0) return
    connection.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}; BEGIN IMMEDIATE`)
    connection.exec(`${missing(connection, tables).join('\n')}; COMMIT`)
  } finally {
    connection.close()
  }
}

function missing(connection: Connection, tables: string): string[] {
  const [, ours] = tables.split(OURS)
  if (ours === undefined) throw new Error(`tables.sql has no line "${OURS}"`)
  const names = new Set(connection.all('SELECT name FROM sqlite_schema', []).map(({ name }) => name))
  // Somebody else's file is left as it is, and found useless later.
  if (!names.has(KEPT_SINCE_EVER)) return []
  return [...ours.matchAll(STATEMENT)].filter(([, name]) => !names.has(name ?? '')).map(([statement]) => statement)
}
