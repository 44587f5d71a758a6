import { DomainError } from '../../domain/errors.ts'
import type { ComparisonRules, LegacyAnswer, LegacyCopy } from '../../ports/strangler.ts'
import { type Comparable, compare, type Difference, difference, IN_CLEAR } from './compare.ts'
import { readable } from './readable.ts'

/** Asks the legacy application once more; rejects when it does not answer. */
export type Ask = (signal: AbortSignal) => Promise<LegacyCopy>
/** Both sides, to be asked as often as it takes. */
export type Sides = {
  rules: ComparisonRules
  legacy: Ask
  native(): Promise<LegacyAnswer>
  /** Resolves when our copies have had time to catch up with what was written before. */
  settle(signal: AbortSignal): Promise<void>
}
/** `error`: we had no answer, and why. */
export type Ours = { comparable: Comparable; version: string | null; error: null } | { error: string }
export type Answered = { legacy: Comparable; native: Ours }

/** There is nothing to compare; the message says why, and holds nothing of an answer. */
export class NothingToCompare extends Error {}

/** Of these nothing follows for us: too many requests, part of an answer, or none because the client has it already. */
const SAYING_NOTHING = [206, 304, 429]

/** What the legacy application says now. Rejects with NothingToCompare, or as whoever asks does. */
export async function theirs({ legacy }: Sides, signal: AbortSignal): Promise<Comparable> {
  return comparableOf(await orAborted(legacy(signal), signal))
}

export async function comparableOf(copy: LegacyCopy): Promise<Comparable> {
  const { status } = copy
  if (status >= 500 || SAYING_NOTHING.includes(status)) throw new NothingToCompare(`the legacy application: ${status}`)
  const { comparable, reason } = await readable(copy)
  if (comparable === null) throw new NothingToCompare(`what the legacy application answers ${reason}`)
  return comparable
}

/** What we would say now. Rejects only when `signal` is aborted. */
export async function ours({ native }: Pick<Sides, 'native'>, signal: AbortSignal): Promise<Ours> {
  try {
    return asSent(await orAborted(native(), signal))
  } catch (error) {
    signal.throwIfAborted()
    return { error: error instanceof DomainError ? error.code : error instanceof Error ? error.name : 'error' }
  }
}

/** Our answer as it reaches a client: members without a value are not there. */
export function asSent({ status, headers, body, version }: LegacyAnswer): Ours {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  const sent = body === undefined ? '' : JSON.parse(JSON.stringify(body))
  return { comparable: { status, headers: Object.fromEntries(lower), body: sent }, version, error: null }
}

export function differencesOf({ legacy, native }: Answered, rules: ComparisonRules, most?: number): Difference[] {
  if (native.error === null) return compare(legacy, native.comparable, rules, most)
  return [difference('native:error', { legacy: legacy.status, native: native.error, place: IN_CLEAR })]
}

/** Rejects with the signal's reason as soon as it is aborted: not everybody who is asked looks at it. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
