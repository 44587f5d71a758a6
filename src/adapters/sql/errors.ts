export type SqlErrorKind = 'duplicate' | 'missing-parent' | 'busy' | 'unavailable' | 'other'

/** What any driver's error comes down to. The statement's parameters never stand in the message: they are people's data. */
export class SqlError extends Error {
  readonly kind: SqlErrorKind

  constructor(kind: SqlErrorKind, message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'SqlError'
    this.kind = kind
  }
}

export function isSqlError(error: unknown, kind: SqlErrorKind): boolean {
  return error instanceof SqlError && error.kind === kind
}
