import { DomainError } from '../../domain/errors.ts'
import { normaliseUsername } from '../../domain/user.ts'
import type { Session } from '../../ports.ts'
import { isSqlError } from './errors.ts'

export async function refuseTakenUsername(session: Session, username: string, userId: number | null): Promise<void> {
  const [holder] = await session.query<{ user_id: number }>('SELECT user_id FROM users WHERE LOWER(username) = ?', [
    normaliseUsername(username),
  ])
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
