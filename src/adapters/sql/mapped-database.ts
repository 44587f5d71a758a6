import { LRUCache } from 'lru-cache'
import type { Database, Session } from '../../ports.ts'
import { mapStatement } from './map-statement.ts'
import { type Mapping, SAME_NAMES } from './mapping.ts'

/** More than there are statements; each is made once. */
const MAX_STATEMENTS = 1_000

/** The database under a site's own names: whoever uses it says this service's. */
export function mappedDatabase<Mapped extends Database & { scan: Pick<Session, 'query'> }>(
  database: Mapped,
  mapping: Mapping,
): Mapped {
  if (JSON.stringify(mapping) === JSON.stringify(SAME_NAMES)) return database
  const made = new LRUCache<string, string>({ max: MAX_STATEMENTS })
  const mapped = (sql: string): string => {
    const known = made.get(sql)
    if (known !== undefined) return known
    const statement = mapStatement(sql, mapping)
    made.set(sql, statement)
    return statement
  }
  const query = (session: Pick<Session, 'query'>): Session['query'] => {
    return (sql, params) => session.query(mapped(sql), params)
  }
  const execute = (session: Pick<Session, 'execute'>): Session['execute'] => {
    return (sql, params) => session.execute(mapped(sql), params)
  }
  return {
    ...database,
    query: query(database),
    execute: execute(database),
    scan: { ...database.scan, query: query(database.scan) },
    transaction: (work, how) =>
      database.transaction((session) => work({ query: query(session), execute: execute(session) }), how),
  }
}
