import type { MaskedDifference } from '../../ports/evidence.ts'
import type { Difference } from './compare.ts'
import { ANY, type Place, shownName, within } from './places.ts'

export const MAX_TEXT_CHARS = 60
export const MAX_MASKED_CHARS = 300
const MAX_MEMBERS = 12
const MAX_ELEMENTS = 4
const MAX_DEPTH = 4
const MORE = '…'

/** A difference as it may be kept and shown: of what the rules do not let be shown, only the shape is left. */
export function masked({ path, legacy, native, place }: Difference): MaskedDifference {
  return { path, legacy: maskedValue(legacy, place), native: maskedValue(native, place) }
}

/** In the way of JSON, at most MAX_MASKED_CHARS long. */
export function maskedValue(value: unknown, place: Place): string {
  return shortened(textOf(value, place, 0), MAX_MASKED_CHARS)
}

function textOf(value: unknown, place: Place, depth: number): string {
  if (value === undefined) return '(absent)'
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'object') return depth >= MAX_DEPTH ? MORE : partsOf(value, place, depth)
  if (typeof value === 'string') return JSON.stringify(place.shown ? shortened(value, MAX_TEXT_CHARS) : shapeOf(value))
  return place.shown ? String(value) : shapeOf(String(value))
}

function partsOf(value: object, place: Place, depth: number): string {
  if (Array.isArray(value)) {
    const elements = value
      .slice(0, MAX_ELEMENTS)
      .map((element, i) => textOf(element, within(place, String(i)), depth + 1))
    return `[${[...elements, ...(value.length > MAX_ELEMENTS ? [MORE] : [])].join()}]`
  }
  const names = Object.keys(value)
  const members = names
    .slice(0, MAX_MEMBERS)
    .map(
      (name) => `${nameOf(name)}:${textOf((value as Record<string, unknown>)[name], within(place, name), depth + 1)}`,
    )
  return `{${[...members, ...(names.length > MAX_MEMBERS ? [MORE] : [])].join()}}`
}

const nameOf = (name: string): string => (shownName(name) === ANY ? ANY : JSON.stringify(name))

/** Letters become x or X, digits 9; what else there is stays, and shows what kind of thing it is. */
export function shapeOf(text: string): string {
  return shortened(text, MAX_TEXT_CHARS)
    .replace(/\p{Lu}|\p{Lt}/gu, 'X')
    .replace(/(?!X)[\p{L}\p{M}]/gu, 'x')
    .replace(/\p{N}/gu, '9')
}

/** By characters, so that none is cut in two. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.slice(0, most)
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}${MORE}`
}
