import { normaliseUsername } from '../../domain/user.ts'
import { CACHE_CONTROL, JSON_TYPE } from '../../wire/answer.ts'
import { etag, type TagBase } from '../../wire/etag.ts'
import type { UserBody } from '../../wire/user.ts'
import type { KnownUser, ShownUser } from '../user/shown.ts'

/** A user as the near cache holds them: an answer that has only to be written. */
export type NearUser = {
  userId: number
  version: number
  etag: string
  /**
   * latin1: each character is one byte. Node writes head and body as one piece when the body is a string, and a string
   * keeps nothing else alive, where a Buffer out of a reply keeps the whole reply.
   */
  body: string
  /** Compared form; null until somebody asks. */
  username: string | null
}

/** Beside the body: the objects, the tag, the cache's tables. near-user.test.ts measures that it is not less. */
const OVERHEAD_BYTES = 500

export function nearUser({ userId, version, body }: KnownUser, tagBase: TagBase): NearUser {
  return { userId, version, etag: etag(tagBase, 'u', version), body: body.toString('latin1'), username: null }
}

/**
 * The head of the answer with the body, and of 304: names and values by turns, as `readAnswer` gives them, and the
 * length; `readHead` is what it says of where it was read. Made for each answer: two arrays in each entry would take as much memory as a third of the bodies.
 */
export function headWithBody({ etag: tag, body }: NearUser, readHead: string[]): string[] {
  return ['content-type', JSON_TYPE, ...headNotModified({ etag: tag }, readHead), 'content-length', String(body.length)]
}
export function headNotModified({ etag: tag }: Pick<NearUser, 'etag'>, readHead: string[]): string[] {
  return ['etag', tag, ...readHead, 'cache-control', CACHE_CONTROL]
}

export function bytesOfNearUser({ body }: NearUser): number {
  return body.length + OVERHEAD_BYTES
}

export function shownNear({ userId, version, body }: NearUser): ShownUser {
  return { userId, version, body: Buffer.from(body, 'latin1'), from: 'near' }
}

export function nearUserIsCalled(user: NearUser, normalised: string): boolean {
  if (user.username === null) {
    const { username } = JSON.parse(Buffer.from(user.body, 'latin1').toString()) as UserBody
    user.username = normaliseUsername(username)
  }
  return user.username === normalised
}
