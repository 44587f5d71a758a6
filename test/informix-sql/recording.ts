import { informix } from '../../src/adapters/informix/dialect.ts'
import { sqliteDialect } from '../../src/adapters/sqlite/dialect.ts'
import type { Database, Session } from '../../src/ports.ts'
import type { OpenRig } from '../contract/rig.ts'

const PLACE = /\/(src\/adapters\/sql\/[\w-]+\.ts:\d+):\d+/

/** Statements as the service says them to an Informix database, and the lines that said them. */
export type Record = { statements: Set<string>; places: Set<string> }

/**
 * A rig whose adapter says it is Informix: what the service says is written down, and then done by the embedded database,
 * with the few words that it does not know put into its own. Tests' own statements are not written down.
 */
export function recordingRig(open: OpenRig, record: Record): OpenRig {
  return async (t, options) => {
    const rig = await open(t, options)
    const [database, other] = [recording(rig.database, record), recording(rig.other, record)]
    return { ...rig, database, other, scan: { query: queried(rig.scan, record) } }
  }
}

function recording(database: Database, record: Record): Database {
  return {
    ...database,
    dialect: informix.dialect,
    query: queried(database, record),
    execute: executed(database, record),
    transaction: (work, how) =>
      database.transaction(
        (session) => work({ query: queried(session, record), execute: executed(session, record) }),
        how,
      ),
  }
}

const queried = (session: Pick<Session, 'query'>, record: Record): Session['query'] => {
  return (sql, params) => session.query(noted(sql, record), params)
}
const executed = (session: Pick<Session, 'execute'>, record: Record): Session['execute'] => {
  return (sql, params) => session.execute(noted(sql, record), params)
}

function noted(sql: string, { statements, places }: Record): string {
  // Not the first line, which is this file's.
  const lines = (new Error().stack ?? '').split('\n').flatMap((line) => PLACE.exec(line)?.[1] ?? [])
  if (lines[0] !== undefined) {
    statements.add(sql)
    places.add(lines[0])
  }
  return sql.replaceAll('usr_utc_now()', sqliteDialect.utcNow).replaceAll('usr_lower(', 'LOWER(')
}
