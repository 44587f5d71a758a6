import { DomainError } from './errors.ts'

/**
 * Who answers an endpoint of the legacy application. `legacy`: that. `shadow`: that, and what we would have answered is
 * compared with it. `canary`: we answer this share of the clients, compared as well. `native`: we.
 */
export const MODES = ['legacy', 'shadow', 'canary', 'native'] as const
export type ModeName = (typeof MODES)[number]
/** `percent`: of the clients, more than 0, at most 100. */
export type Mode = { mode: Exclude<ModeName, 'canary'> } | { mode: 'canary'; percent: number }

/**
 * What was said of a route, by whom, when (RFC 3339, UTC, milliseconds) and why. `judged`: the `at` of the setting that it
 * was set back from, under which stands what was seen.
 */
export type RouteSetting = Mode & { reason: string; by: string; at: string; judged?: string }
/** In place of an `at`, while nobody has set a route. */
export const START = 'start'
/** Who sets a route back whose answers are not good enough; what it has set stays until a person says otherwise. */
export const PARACHUTE = 'parachute'

type Of<Type extends string, Data = object> = { type: Type; route: string; at: string } & Data
/** For the audit alone. `percent`: of a canary, else null. */
export type RouteEvent = Of<'route-set', { mode: ModeName; percent: number | null; reason: string }> | Of<'route-reset'>

/** Canaries are drawn to a hundredth of a percent. */
export const BUCKETS = 10_000

/** Under which name a route's setting is kept among the switches. */
export function routeSwitch(routeId: string): string {
  return `route:${routeId}`
}

/** `canary 5 %`, and the like. */
export function modeText(mode: Mode): string {
  return mode.mode === 'canary' ? `canary ${mode.percent} %` : mode.mode
}

/** Of a canary; null: it is none. */
export function percentOf(mode: Mode): number | null {
  return mode.mode === 'canary' ? mode.percent : null
}

export function isSameMode(a: Mode, b: Mode): boolean {
  return modeText(a) === modeText(b)
}

/** The mode that is meant; null when there is none like it. Anything besides `mode` and `percent` is left out. */
export function modeFrom(given: unknown): Mode | null {
  if (typeof given !== 'object' || given === null) return null
  const { mode, percent } = given as { mode?: unknown; percent?: unknown }
  const name = MODES.find((one) => one === mode)
  if (name === undefined) return null
  if (name !== 'canary') return { mode: name }
  return typeof percent === 'number' && percent > 0 && percent <= 100 ? { mode: name, percent } : null
}

/** What a switch holds; null: none, or nothing that can be read. */
export function routeSettingFrom(setting: string | null): RouteSetting | null {
  if (setting === null) return null
  try {
    const given = JSON.parse(setting) ?? {}
    const { reason, by, at, judged } = given
    const mode = modeFrom(given)
    if (mode === null || ![reason, by, at].every((text) => typeof text === 'string')) return null
    return { ...mode, reason, by, at, ...(typeof judged === 'string' ? { judged } : {}) }
  } catch {
    return null
  }
}

/** Whether a route may be in a mode: what changes something must not be done twice. Throws `mode-not-allowed`. */
export function checkMode(route: { name: string; method: string }, { mode }: Mode): void {
  if (mode === 'shadow' && route.method !== 'GET')
    throw new DomainError('mode-not-allowed', `${route.name} changes something: it is never done twice.`, '/mode')
}

/** In which of BUCKETS a client is, by its key: the same for all routes, in every replica (FNV-1a, 32 bits). */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  }
  // The last characters of a key move the low bits only little: mixed, as of MurmurHash3.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % BUCKETS
}

/** Whether this client is answered by us. Who is at a small percentage is at each larger one. */
export function isNative(mode: Mode, key: string): boolean {
  if (mode.mode !== 'canary') return mode.mode === 'native'
  return bucketOf(key) < Math.round((mode.percent / 100) * BUCKETS)
}
