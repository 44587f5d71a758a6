import { DomainError } from '../../domain/errors.ts'
import { normaliseUsername } from '../../domain/user.ts'
import type { Dialect, Session } from '../../ports.ts'
import { isSqlError } from './errors.ts'

export async function refuseTakenUsername(
  session: Session,
  dialect: Dialect,
  username: string,
  userId: number | null,
): Promise<void> {
  const [holder] = await holdersOf(session, dialect, username)
  if (holder && holder.user_id !== userId) throw usernameTaken(username)
}

/** Two may pass the check at once; the unique index tells the second. */
export async function refusingDuplicateUsername<Result>(username: string | undefined, write: () => Promise<Result>) {
  try {
    return await write()
  } catch (error) {
    if (username !== undefined && isSqlError(error, 'duplicate')) throw usernameTaken(username)
    throw error
  }
}

function usernameTaken(username: string) {
  return new DomainError('username-taken', `The username "${username}" is taken.`, '/username')
}

/** Whoever the unique index finds under it: one or nobody. Databases may take blanks at the end for none. */
export function holdersOf(session: Pick<Session, 'query'>, dialect: Dialect, username: string) {
  return session.query<{ user_id: number; username: string }>(
    `SELECT user_id, username FROM users WHERE ${dialect.lower('username')} = ?`,
    [normaliseUsername(username)],
  )
}
