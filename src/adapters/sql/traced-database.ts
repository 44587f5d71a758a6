import type { Tracing } from '../../ports/tracing.ts'
import type { Database, Session } from '../../ports.ts'

type Segments = Pick<Tracing, 'segment'>
type Queries = Pick<Session, 'query'>

const FIRST_WORD = /^\s*(select|insert|update|delete)\b/i

/** The database, with each call a part of what it is made for. Of a statement its kind is told, and nothing else. */
export function tracedDatabase<Traced extends Database>(database: Traced, tracing: Segments): Traced {
  return {
    ...database,
    ...tracedSession(database, tracing),
    transaction: (work, how) =>
      tracing.segment('database transaction', () =>
        database.transaction((session) => work(tracedSession(session, tracing)), how),
      ),
  }
}

export function tracedQueries<Traced extends Queries>(queries: Traced, { segment }: Segments): Traced {
  return {
    ...queries,
    query: (sql, params) => segment(`database query ${kindOf(sql)}`, () => queries.query(sql, params)),
  }
}

function tracedSession(session: Session, tracing: Segments): Session {
  return {
    ...tracedQueries({ query: session.query }, tracing),
    execute: (sql, params) => tracing.segment(`database execute ${kindOf(sql)}`, () => session.execute(sql, params)),
  }
}

function kindOf(sql: string): string {
  return FIRST_WORD.exec(sql)?.[1]?.toLowerCase() ?? 'other'
}
