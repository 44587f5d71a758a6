import { DomainError } from '../../domain/errors.ts'
import type { TrueUser } from '../../ports.ts'
import type { ReadFrom } from '../../wire/source.ts'
import type { StoredUser } from './batched-read.ts'
import { type Bodies, bodyFor, isNobody } from './bodies.ts'
import { type ProjectedUser, projectGone, projectUser } from './project.ts'

/**
 * A user as clients get them; `bodies` null: there is no such user. `stale`: nobody could say whether it is still so, for
 * changes are not being handled and the database does not answer.
 */
export type ShownUser = {
  userId: number
  version: number
  bodies: Bodies | null
  from: ReadFrom
  stale?: true
}
export type KnownUser = ShownUser & { bodies: Bodies }

export function shown(userId: number, { version, bodies }: StoredUser, from: ReadFrom): ShownUser {
  return { userId, version, bodies: isNobody(bodies) ? null : bodies, from }
}

export function isKnown(user: ShownUser): user is KnownUser {
  return user.bodies !== null
}

/** Of those who are there, for a list. */
export function bodiesFor(users: ShownUser[], seesPersonal: boolean): Buffer[] {
  return users.flatMap(({ bodies }) => (bodies ? bodyFor(bodies, seesPersonal) : []))
}

export function project(found: TrueUser): ProjectedUser {
  return found.user ? projectUser(found.user) : projectGone(found.userId, found.version)
}

/** Redis out of reach or too slow is no fault of the caller's: the answer comes from the database. */
export async function orNull<Value>(reading: Promise<Value>): Promise<Value | null> {
  try {
    return await reading
  } catch {
    return null
  }
}

/** The database does not answer, or not now. */
export function isOutage(error: unknown): boolean {
  return error instanceof DomainError && (error.code === 'busy' || error.code === 'database-unavailable')
}
