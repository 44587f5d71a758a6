import { normaliseUsername } from '../../domain/user.ts'
import { CACHE_CONTROL, JSON_TYPE } from '../../wire/answer.ts'
import { type TagBase, userEtag } from '../../wire/etag.ts'
import type { BareUserBody } from '../../wire/user.ts'
import { type Bodies, bodyFor } from '../user/bodies.ts'
import type { KnownUser, ShownUser } from '../user/shown.ts'

/** An answer that has only to be written. */
export type NearAnswer = {
  etag: string
  /**
   * latin1: each character is one byte. Node writes head and body as one piece when the body is a string, and a string
   * keeps nothing else alive, where a Buffer out of a reply keeps the whole reply.
   */
  body: string
}
/**
 * A user as the near cache holds them: one version, with an answer for those who may see what is personal and one for those
 * who may not.
 */
export type NearUser = {
  userId: number
  version: number
  full: NearAnswer
  bare: NearAnswer
  /** Compared form; null until somebody asks. */
  username: string | null
}

/** Beside the bodies: the objects, the tags, the cache's tables. near-user.component.test.ts measures that it is not less. */
const OVERHEAD_BYTES = 500

export function nearUser(user: KnownUser, tagBase: TagBase): NearUser {
  const { userId, version, bodies } = user
  const answer = (seesPersonal: boolean): NearAnswer =>
    nearAnswer(bodies, seesPersonal, flat(userEtag(tagBase, seesPersonal, version)))
  return { userId, version, full: answer(true), bare: answer(false), username: null }
}

/** In one piece: what is put together out of parts keeps them all, which takes several times the memory of a tag. */
function flat(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('latin1')
}

export function nearAnswer(bodies: Bodies, seesPersonal: boolean, etag: string): NearAnswer {
  return { etag, body: bodyFor(bodies, seesPersonal).toString('latin1') }
}

/**
 * The head of the answer with the body, and of 304: names and values by turns, as `readAnswer` gives them, and the
 * length; `readHead` is what it says of where it was read. Made for each answer: two arrays in each entry would take as much memory as a third of the bodies.
 */
export function headWithBody({ etag: tag, body }: NearAnswer, readHead: string[]): string[] {
  return ['content-type', JSON_TYPE, ...headNotModified({ etag: tag }, readHead), 'content-length', String(body.length)]
}
export function headNotModified({ etag: tag }: Pick<NearAnswer, 'etag'>, readHead: string[]): string[] {
  return ['etag', tag, ...readHead, 'cache-control', CACHE_CONTROL]
}

export function bytesOfNearUser({ full, bare }: NearUser): number {
  return full.body.length + bare.body.length + OVERHEAD_BYTES
}

export function shownNear({ userId, version, full, bare }: NearUser): ShownUser {
  return { userId, version, bodies: { full: bytesOf(full), bare: bytesOf(bare) }, from: 'near' }
}

function bytesOf({ body }: NearAnswer): Buffer {
  return Buffer.from(body, 'latin1')
}

export function nearUserIsCalled(user: NearUser, normalised: string): boolean {
  if (user.username === null) {
    const { username } = JSON.parse(bytesOf(user.bare).toString()) as BareUserBody
    user.username = normaliseUsername(username)
  }
  return user.username === normalised
}
