import { DomainError } from './errors.ts'
import { type ForcedState, NEIGHBOURS, type NeighbourName } from './neighbours.ts'

/** What an operator has said of a neighbour's breaker. `by`: their name. `at`: RFC 3339, UTC, milliseconds. */
export type Override = { to: ForcedState; reason: string; by: string; at: string }

type Of<Type extends string, Data = object> = { type: Type; neighbour: NeighbourName; at: string } & Data

/** What operators do to breakers, in the past tense: for the audit alone, other teams hear nothing of it. */
export type BreakerEvent = Of<'breaker-forced', { forced: ForcedState; reason: string }> | Of<'breaker-released'>

/** Under which name the override is kept among the switches. */
export function breakerSwitch(neighbour: NeighbourName): string {
  return `breaker:${neighbour}`
}

/** Throws `neighbour-not-found`. */
export function knownNeighbour(name: string): NeighbourName {
  const known = NEIGHBOURS.find((neighbour) => neighbour === name)
  if (known === undefined) throw new DomainError('neighbour-not-found', `There is no neighbour "${name}".`)
  return known
}

/** The override that a switch holds; null: none, or nothing that can be read. */
export function overrideFrom(setting: string | null): Override | null {
  if (setting === null) return null
  try {
    const { to, reason, by, at } = JSON.parse(setting) ?? {}
    const isWhole = (to === 'open' || to === 'closed') && [reason, by, at].every((text) => typeof text === 'string')
    return isWhole ? { to, reason, by, at } : null
  } catch {
    return null
  }
}
