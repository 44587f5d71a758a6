import type { Principal } from '../../domain/principal.ts'
import type { Verified } from './token-verifier.ts'

export const MAX_TOKENS = 20_000
export const MAX_TOKENS_BYTES = 33_554_432
/** Of what is kept beside the header's own text. */
const ENTRY_BYTES = 400
/** Characters of the signature's end that tell tokens apart: 48 bits of it. */
const MARK_LENGTH = 8
const MULTIPLIER = 31

/** `cameAgain`: since it was last considered which is to be forgotten. */
type Held = Verified & { authorization: string; cameAgain: boolean }

/**
 * Who showed which header, so that the thousandth request with a token costs no signature. By the header's every byte: a
 * token that differs in one is another. Only what was verified is kept. What came first goes first, as it expires first;
 * but not what came again meanwhile.
 *
 * It is found by a number made of a few of its characters, and then compared: V8 hashes a text for each look into a map,
 * and looks for its like among all texts that it knows, which takes several times as long with a text that is as long and
 * as new as this one is in each request. Of two tokens with one number the later is kept, and the other verified again.
 */
export function tokenMemo({ maxTokens = MAX_TOKENS, maxBytes = MAX_TOKENS_BYTES } = {}) {
  const held = new Map<number, Held>()
  let bytes = 0

  const remove = (mark: number, { authorization }: Held): void => {
    held.delete(mark)
    bytes -= bytesOf(authorization)
  }
  const add = (mark: number, one: Held): void => {
    held.set(mark, one)
    bytes += bytesOf(one.authorization)
  }
  const makeRoomFor = (one: Held): void => {
    for (const [mark, oldest] of held) {
      if (held.size < maxTokens && bytes + bytesOf(one.authorization) <= maxBytes) return
      remove(mark, oldest)
      if (oldest.cameAgain) add(mark, Object.assign(oldest, { cameAgain: false }))
    }
  }
  return {
    /** `nowMs`: wall clock. */
    get(authorization: string, nowMs: number): Principal | undefined {
      const mark = markOf(authorization)
      const found = held.get(mark)
      if (found === undefined || found.authorization !== authorization) return undefined
      if (nowMs >= found.untilMs) {
        remove(mark, found)
        return undefined
      }
      found.cameAgain = true
      return found.principal
    },
    set(authorization: string, { principal, untilMs, keyId }: Verified): void {
      if (bytesOf(authorization) > maxBytes) return
      const mark = markOf(authorization)
      const before = held.get(mark)
      if (before !== undefined) remove(mark, before)
      const one = { principal, untilMs, keyId, authorization, cameAgain: false }
      makeRoomFor(one)
      add(mark, one)
    },
    /** Those that were verified with other keys than these. */
    forgetOtherThan(keyIds: { has(keyId: string): boolean }): void {
      for (const [mark, one] of held) {
        if (!keyIds.has(one.keyId)) remove(mark, one)
      }
    },
    size: () => held.size,
  }
}

const bytesOf = (authorization: string): number => authorization.length + ENTRY_BYTES

/** A number that V8 keeps without an object for it. */
function markOf(authorization: string): number {
  let mark = 0
  for (let i = Math.max(0, authorization.length - MARK_LENGTH); i < authorization.length; i += 1) {
    mark = (Math.imul(mark, MULTIPLIER) + authorization.charCodeAt(i)) | 0
  }
  return mark
}
