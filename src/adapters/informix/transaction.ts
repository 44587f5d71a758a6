import { DomainError } from '../../domain/errors.ts'
import type { Database, Session } from '../../ports.ts'
import { isSqlError, SqlError } from '../sql/errors.ts'
import type { CommitMarkers } from './commit-markers.ts'
import { type Connection, type Deadline, deadlineIn, msUntil } from './connection.ts'
import { wasDeadlock } from './errors.ts'
import type { Pool } from './pool.ts'

/** How often work begins again that the database has undone. */
const MAX_ATTEMPTS = 3
const ROLLBACK_LIMIT_MS = 2_000

type Deps = { pool: Pool; markers: CommitMarkers; limitMs: number }

/**
 * BEGIN, work, COMMIT on one connection. Work that the database has undone as a deadlock's victim, or whose connection
 * was lost before anything could have been committed, begins again while there is time: it is pure but for its statements.
 */
export function transactions({ pool, markers, limitMs }: Deps): Database['transaction'] {
  return async (work, { certain = false } = {}) => {
    const deadline = deadlineIn(limitMs)
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await pool.use(deadline, (connection) => once(connection, work, certain ? markers : null, deadline))
      } catch (error) {
        const outcome = error instanceof LostCommit ? await outcomeOf(error, markers) : null
        if (outcome === 'committed') return (error as LostCommit).result as Awaited<ReturnType<typeof work>>
        const cause = error instanceof LostCommit ? error.cause : error
        const mayRepeat = outcome === 'undone' || wasDeadlock(cause) || isSqlError(cause, 'unavailable')
        if (!mayRepeat || attempt === MAX_ATTEMPTS || msUntil(deadline) === 0) throw cause
      }
    }
  }
}

/** Without a marker nobody can ask: whoever called knows how to find out, or need not. */
async function outcomeOf({ marker, cause }: LostCommit, markers: CommitMarkers): Promise<'committed' | 'undone'> {
  if (marker !== null) return markers.resolve(marker)
  throw new DomainError('outcome-unknown', 'The database did not say whether this was written.', undefined, { cause })
}

async function once<Result>(
  connection: Connection,
  work: (session: Session) => Promise<Result>,
  markers: CommitMarkers | null,
  deadline: Deadline,
): Promise<Result> {
  await connection.begin(deadline)
  let marker: string | null = null
  let writes = 0
  let result: Result
  try {
    result = await work({
      query: (sql, params = []) => connection.query(sql, params, deadline) as Promise<never[]>,
      execute: (sql, params = []) => {
        writes += 1
        return connection.execute(sql, params, deadline)
      },
    })
    if (markers !== null && writes > 0) {
      marker = markers.next()
      await markers.insert(connection, marker, deadline)
    }
  } catch (error) {
    // The next one must not find it open. What cannot be rolled back is closed, and the server rolls it back.
    if (connection.isWhole()) await connection.rollback(deadlineIn(ROLLBACK_LIMIT_MS)).catch(() => undefined)
    throw error
  }
  try {
    await connection.commit(deadline)
  } catch (error) {
    if (writes > 0 && isInDoubt(error)) throw new LostCommit(marker, result, error)
    throw error
  }
  return result
}

/** The database refuses a COMMIT with a reason of its own, or nobody knows. */
function isInDoubt(error: unknown): boolean {
  return !(error instanceof SqlError) || error.kind === 'unavailable' || error.kind === 'other'
}

class LostCommit extends Error {
  readonly marker: string | null
  readonly result: unknown
  constructor(marker: string | null, result: unknown, cause: unknown) {
    super('no answer to COMMIT', { cause })
    this.marker = marker
    this.result = result
  }
}
