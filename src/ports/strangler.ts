import type { Scope } from '../domain/principal.ts'
import type { Mode, RouteSetting } from '../domain/strangler.ts'
import type { Actor } from '../ports.ts'

// Endpoints of the legacy application that have been, or are being, taken over: its own paths, and its own shapes.

/** What was asked, as the legacy application's clients ask it. */
export type LegacyRequest = {
  params: Record<string, string>
  /** What stands behind the question mark, as it came; empty without. */
  query: string
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** Parsed JSON; undefined: there was none, or something else. */
  body: unknown
  by: Actor
}
/**
 * What we answer in its place. `body`: becomes JSON; undefined: none. `version`: of what was shown, whatever tells one
 * state from the next; null when nothing has one.
 */
export type LegacyAnswer = { status: number; headers: Record<string, string>; body: unknown; version: string | null }

/**
 * How two answers are compared. Paths are JSON Pointers (RFC 6901) in which `*` is any member or element; each is said of
 * what stands there and beneath. `headers`: that must be the same, names in lower case.
 */
export type ComparisonRules = {
  headers?: readonly string[]
  /** What may differ. */
  ignore?: readonly string[]
  /** Numbers that may be so far apart. */
  numbers?: Readonly<Record<string, number>>
  /** Times (RFC 3339) that may be so many milliseconds apart, however they are written. */
  timestamps?: Readonly<Record<string, number>>
  /** Arrays whose order says nothing: elements are matched by this member; null: by what they are. */
  unordered?: Readonly<Record<string, string | null>>
  /** What samples of differences may show; all else is masked. */
  shown?: readonly string[]
}

export type LegacyRoute = {
  /** `[a-z][a-z0-9-]{0,31}`. */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** What a caller needs to be answered here; who has less is the legacy application's. At least one. */
  scopes: readonly [Scope, ...Scope[]]
  /** As the legacy application has it: `/users/:id/`. */
  path: string
  /** By what a canary's clients are told apart: the user whom they ask about (the first parameter), or who asks. */
  stickyBy: 'user' | 'terminal'
  /** Of reads. */
  rules: ComparisonRules
  /**
   * Whether we understand the request. Any other is the legacy application's, in every mode. Asked before the body is read:
   * that is not there yet.
   */
  takes(request: LegacyRequest): boolean
  /** Rejects as queries and commands do. */
  answer(request: LegacyRequest): Promise<LegacyAnswer>
}

/** `GET:/users/:id`: how people name a route. */
export function routeName({ method, path }: Pick<LegacyRoute, 'method' | 'path'>): string {
  return `${method}:${path.length > 1 ? path.replace(/\/$/, '') : path}`
}

/** A whole answer of the legacy application. */
export type LegacyCopy = {
  status: number
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** As it came: perhaps with a content coding. */
  body: Buffer
}

/** What has become of one comparison. `noise`: the legacy answer differs from itself. `race`: somebody wrote meanwhile. */
export type Comparison = 'equal' | 'mismatch' | 'noise' | 'race' | 'failed' | 'dropped'
export const COMPARISONS = ['equal', 'mismatch', 'noise', 'race', 'failed', 'dropped'] as const satisfies Comparison[]

/** Told of everything that says whether a route may go on, in passing: must be quick, and not throw. */
export type StranglerObserver = {
  /** `failed`: an answer of 5xx, or none. `ms`: until its head. */
  answered(routeId: string, by: 'legacy' | 'native', failed: boolean, ms: number): void
  compared(routeId: string, outcome: Comparison): void
  /** The legacy application was asked for a comparison only. */
  asked(routeId: string, failed: boolean, ms: number): void
}

/** In which mode each route is, in this process, and since when. `setting` null: the start value holds. */
export type RouteModes = {
  of(routeId: string): { mode: Mode; setting: RouteSetting | null }
}
