import { searchName } from '../../domain/names.ts'
import { normaliseUsername, type User } from '../../domain/user.ts'
import { bareUserBody, userBody } from '../../wire/user.ts'
import { type Bodies, NOBODY } from './bodies.ts'

/** What the indexes know of a user: enough to take every entry out again. */
export type Terms = { username: string; name: string; branches: string[] }

/** `bodies`: empty for a user who is gone. */
export type ProjectedUser = { userId: number; version: number; bodies: Bodies; terms: Terms | null }

/** Rosters show active users only, the name index all; both are kept by terms, so the terms decide it. */
export function projectUser(user: User): ProjectedUser {
  return {
    userId: user.id,
    version: user.version,
    bodies: { full: bytesOf(userBody(user)), bare: bytesOf(bareUserBody(user)) },
    terms: termsOf(user),
  }
}

export function projectGone(userId: number, version: number): ProjectedUser {
  return { userId, version, bodies: NOBODY, terms: null }
}

function bytesOf(body: object): Buffer {
  return Buffer.from(JSON.stringify(body))
}

export function termsOf(user: User): Terms {
  return {
    username: normaliseUsername(user.username),
    name: searchName(user.familyName, user.givenName),
    branches: user.status === 'active' ? user.branches : [],
  }
}

/** Terms as they are stored: compared byte by byte by the script, so written in one way only. */
export function encodeTerms(terms: Terms | null): string {
  return terms === null ? '' : JSON.stringify([terms.username, terms.name, terms.branches])
}

/** Null: there are none, or they are nothing that was ever written here. */
export function decodeTerms(text: string): Terms | null {
  if (text === '') return null
  try {
    const [username, name, branches] = JSON.parse(text) as [string, string, string[]]
    return Array.isArray(branches) ? { username, name, branches } : null
  } catch {
    return null
  }
}

/** A member of the name index: sorts by name, then by id (16 digits hold every safe integer). */
export function nameMember(name: string, userId: number): string {
  return `${name}\0${String(userId).padStart(16, '0')}`
}
