import { DomainError, type ErrorCode } from '../../domain/errors.ts'
import type { DatabaseCall, DatabaseObserver } from '../../ports/metrics.ts'
import type { Database } from '../../ports.ts'
import { isSqlError } from './errors.ts'

/** Anything else that a transaction is rejected with is what somebody decided in it. */
const OUTAGES: readonly ErrorCode[] = ['database-unavailable', 'busy', 'outcome-unknown']

/** The database, with what its calls take told. What is done inside a transaction is told as one. */
export function measuredDatabase<Measured extends Database>(
  database: Measured,
  { ended }: Pick<DatabaseObserver, 'ended'>,
): Measured {
  const timed = async <Result>(call: DatabaseCall, work: () => Promise<Result>): Promise<Result> => {
    const begunAtMs = performance.now()
    let failed = false
    try {
      return await work()
    } catch (error) {
      failed = isOurs(error)
      throw error
    } finally {
      ended(call, failed, performance.now() - begunAtMs)
    }
  }
  return {
    ...database,
    query: (sql, params) => timed('query', () => database.query(sql, params)),
    execute: (sql, params) => timed('execute', () => database.execute(sql, params)),
    transaction: (work, how) => timed('transaction', () => database.transaction(work, how)),
  }
}

function isOurs(error: unknown): boolean {
  if (error instanceof DomainError) return OUTAGES.includes(error.code)
  return isSqlError(error, 'unavailable') || isSqlError(error, 'busy') || isSqlError(error, 'other')
}
