import type { ComparisonRules } from '../../ports/strangler.ts'
import { comparableType } from './content-type.ts'
import { ANY, escaped, type Place, shownName, topOf, within } from './places.ts'
import { pairsByKey, pairsByValue } from './unordered.ts'
import { areNear, momentOf, numberOf } from './values.ts'

/** `headers`: names in lower case. `body`: parsed JSON; the text of anything else. */
export type Comparable = { status: number; headers: Record<string, string | string[] | undefined>; body: unknown }
/**
 * `path`: `status`, `header:<name>`, or a JSON Pointer into the body, with `*` for array positions and for names that look
 * like somebody's data. `undefined` is what is not there at all.
 */
export type Difference = {
  path: string
  legacy: unknown
  native: unknown
  /** As `path`, with all names as they are, and elements that have a key by that: never shown to anybody. */
  at: string
  /** What the rules say of what stands here. */
  place: Place
}

export const MAX_DIFFERENCES = 20
/** What lies deeper is compared as text, by which the stack cannot overflow. */
export const MAX_DEPTH = 64
const MAX_PATH_CHARS = 200

/** What people need to see in any case, and what is no one's data. */
export const IN_CLEAR: Place = Object.freeze({ ...topOf({}), shown: true })
const MASKED: Place = topOf({})

/**
 * In what two answers differ: at most `most` places, each once. Answers of different status differ in that alone; what
 * else they hold is different anyhow.
 */
export function compare(
  legacy: Comparable,
  native: Comparable,
  rules: ComparisonRules,
  most = MAX_DIFFERENCES,
): Difference[] {
  if (legacy.status !== native.status)
    return [difference('status', { legacy: legacy.status, native: native.status, place: IN_CLEAR })]
  const found = new Map<string, Difference>()
  for (const name of rules.headers ?? []) {
    const [ours, theirs] = [headerOf(native, name), headerOf(legacy, name)]
    const place = name === 'content-type' ? IN_CLEAR : MASKED
    if (ours !== theirs) found.set(name, difference(`header:${name}`, { legacy: theirs, native: ours, place }))
  }
  const note = (where: Where, theirs: unknown, ours: unknown): void => {
    const at = pointer(where, 'name')
    const path = pointer(where, 'shown').slice(0, MAX_PATH_CHARS)
    if (!found.has(at)) found.set(at, { path, at, legacy: theirs, native: ours, place: where.place })
  }
  const top: Where = { parent: null, name: '', shown: '', place: topOf(rules), depth: 0 }
  compareValues(legacy.body, native.body, top, { note, isFull: () => found.size >= most })
  return [...found.values()].slice(0, most)
}

/** A difference that is not in a body. */
export function difference(path: string, of: Pick<Difference, 'legacy' | 'native' | 'place'>): Difference {
  return { path, at: path, ...of }
}

type Where = { parent: Where | null; name: string; shown: string; place: Place; depth: number }
type Notes = { note(where: Where, legacy: unknown, native: unknown): void; isFull(): boolean }

function compareValues(legacy: unknown, native: unknown, where: Where, notes: Notes): void {
  const { place } = where
  if (legacy === native || place.ignored || notes.isFull()) return
  if (isWithinTolerance(legacy, native, place)) return
  const isDeep = where.depth >= MAX_DEPTH
  if (Array.isArray(legacy) && Array.isArray(native) && !isDeep) compareArrays(legacy, native, where, notes)
  else if (isObject(legacy) && isObject(native) && !isDeep) compareObjects(legacy, native, where, notes)
  else if (!isDeep || !isSameText(legacy, native)) notes.note(where, legacy, native)
}

function isWithinTolerance(legacy: unknown, native: unknown, { numbers, timestampsMs }: Place): boolean {
  const areBoth = (of: (value: unknown) => number | null, apart: number): boolean => {
    const [theirs, ours] = [of(legacy), of(native)]
    return theirs !== null && ours !== null && areNear(theirs, ours, apart)
  }
  return (numbers !== null && areBoth(numberOf, numbers)) || (timestampsMs !== null && areBoth(momentOf, timestampsMs))
}

function compareObjects(legacy: Members, native: Members, where: Where, notes: Notes): void {
  for (const name of Object.keys(legacy)) compareValues(legacy[name], own(native, name), member(where, name), notes)
  for (const name of Object.keys(native)) {
    if (!Object.hasOwn(legacy, name)) compareValues(undefined, native[name], member(where, name), notes)
  }
}

function compareArrays(legacy: unknown[], native: unknown[], where: Where, notes: Notes): void {
  const { unordered } = where.place
  if (unordered === null) {
    const length = Math.max(legacy.length, native.length)
    for (let i = 0; i < length && !notes.isFull(); i += 1)
      compareValues(legacy[i], native[i], element(where, String(i), ANY), notes)
    return
  }
  const place = within(where.place, ANY)
  const pairs =
    unordered.by === null
      ? pairsByValue(legacy, native, place)
      : pairsByKey(legacy, native, { by: unordered.by, place })
  for (const [theirs, ours, key] of pairs) {
    const name = key === null ? ANY : `${ANY}${escaped(key)}`
    compareValues(theirs, ours, { ...element(where, ANY, name), place }, notes)
  }
}

const member = (parent: Where, name: string): Where => ({
  parent,
  name: escaped(name),
  shown: shownName(name),
  place: within(parent.place, name),
  depth: parent.depth + 1,
})
const element = (parent: Where, position: string, name: string): Where => ({
  parent,
  name,
  shown: ANY,
  place: within(parent.place, position),
  depth: parent.depth + 1,
})

/** Made only where something differs. */
function pointer(where: Where, of: 'name' | 'shown'): string {
  const names: string[] = []
  for (let at = where; at.parent !== null; at = at.parent) names.push(at[of])
  return names
    .reverse()
    .map((name) => `/${name}`)
    .join('')
}

function headerOf({ headers }: Comparable, name: string): string | undefined {
  const value = headers[name]
  const text = Array.isArray(value) ? JSON.stringify(value) : value
  return name === 'content-type' && text !== undefined ? comparableType(text) : text
}

type Members = Record<string, unknown>
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const own = (members: Members, name: string): unknown => (Object.hasOwn(members, name) ? members[name] : undefined)

function isSameText(legacy: unknown, native: unknown): boolean {
  try {
    return JSON.stringify(legacy) === JSON.stringify(native)
  } catch {
    // Deeper than the stack: nobody can say that they are the same.
    return false
  }
}
