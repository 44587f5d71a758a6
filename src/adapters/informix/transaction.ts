import { DomainError } from '../../domain/errors.ts'
import type { Database, Session } from '../../ports.ts'
import { isSqlError, SqlError } from '../sql/errors.ts'
import { again } from './again.ts'
import type { CommitMarkers } from './commit-markers.ts'
import { type Connection, type Deadline, deadlineIn, rollBack } from './connection.ts'
import { wasDeadlock, wasNotSent } from './errors.ts'
import type { Pool } from './pool.ts'

type Deps = { pool: Pool; markers: CommitMarkers; limitMs: number }

/**
 * BEGIN, work, COMMIT on one connection. Work that the database has undone as a deadlock's victim, or whose connection
 * was lost before anything could have been committed, begins again while there is time: it is pure but for its statements.
 */
export function transactions({ pool, markers, limitMs }: Deps): Database['transaction'] {
  return async (work, { certain = false } = {}) => {
    const deadline = deadlineIn(limitMs)
    const attempt = () =>
      pool
        .use(deadline, (connection) => once(connection, work, certain ? markers : null, deadline))
        .catch(async (error) => {
          if (error instanceof LostCommit && (await outcomeOf(error, markers)) === 'committed') return error.result
          throw error
        }) as ReturnType<typeof work>
    return again(attempt, wasUndone, deadline).catch((error) => {
      throw error instanceof LostCommit ? error.cause : error
    })
  }
}

/** A lost COMMIT that gets here is known not to have been one. */
const wasUndone = (error: unknown) =>
  error instanceof LostCommit || wasDeadlock(error) || isSqlError(error, 'unavailable')

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
  const calls = sessionCalls(connection, deadline)
  let marker: string | null = null
  let result: Result
  try {
    result = await work(calls.session)
    await calls.end()
    if (markers !== null && calls.writes() > 0) {
      marker = markers.next()
      await markers.insert(connection, marker, deadline)
    }
  } catch (error) {
    await calls.end()
    await rollBack(connection)
    throw error
  }
  try {
    await connection.commit(deadline)
  } catch (error) {
    if (calls.writes() > 0 && isInDoubt(error)) throw new LostCommit(marker, result, error)
    throw error
  }
  return result
}

/**
 * The work's own way to the connection. After `end` nothing of it is under way, and nothing more is taken: what it might
 * still ask would come into the next one's transaction.
 */
function sessionCalls(connection: Connection, deadline: Deadline) {
  const underWay = new Set<Promise<unknown>>()
  let ended = false
  let writes = 0
  const noted = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    if (ended) throw new Error('the transaction has ended')
    const answer = call()
    underWay.add(answer)
    return answer.finally(() => underWay.delete(answer))
  }
  const session: Session = {
    query: (sql, params = []) => noted(() => connection.query(sql, params, deadline)) as Promise<never[]>,
    execute: (sql, params = []) => {
      writes += 1
      return noted(() => connection.execute(sql, params, deadline))
    },
  }
  return {
    session,
    writes: () => writes,
    async end() {
      ended = true
      await Promise.allSettled(underWay)
    },
  }
}

/** The database refuses a COMMIT with a reason of its own, or nobody knows. */
function isInDoubt(error: unknown): boolean {
  if (wasNotSent(error)) return false
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
