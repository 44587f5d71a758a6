import { DomainError } from '../../domain/errors.ts'

export type SqlErrorKind =
  | ('duplicate' | 'missing-parent' | 'not-null' | 'too-long' | 'not-storable')
  | ('busy' | 'unavailable' | 'other')

/** What any driver's error comes down to. The statement's parameters never stand in the message: they are people's data. */
export class SqlError extends Error {
  readonly kind: SqlErrorKind
  /** At the start of a process, what whoever starts it can mend: shown as one sentence (main.ts). */
  readonly expected: boolean

  constructor(kind: SqlErrorKind, message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'SqlError'
    this.kind = kind
    this.expected = kind === 'unavailable'
  }
}

export function isSqlError(error: unknown, kind: SqlErrorKind): boolean {
  return error instanceof SqlError && error.kind === kind
}

/** What leaves an adapter: a database out of reach is a refusal that callers know (503), not a fault of this service. */
export function surfaced(error: unknown): unknown {
  if (isSqlError(error, 'busy')) {
    return new DomainError('busy', 'The database is locked by another writer.', undefined, { cause: error })
  }
  return isSqlError(error, 'unavailable')
    ? new DomainError('database-unavailable', 'The database cannot be read or written at present.', undefined, {
        cause: error,
      })
    : error
}
