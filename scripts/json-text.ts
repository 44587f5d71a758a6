import type { Json } from './event-asyncapi.ts'

/** Biome's. */
const LINE_WIDTH = 120

/** A JSON file as Biome formats it, so that one that is made from code is as it would be had it been written by hand. */
export function jsonText(json: Json): string {
  return `${formatted(json, 0, 0)}\n`
}

/** As Biome formats it: an object has a line for each member, a list is on one line where it fits and holds no object. */
function formatted(json: Json, indent: number, used: number): string {
  if (json === null || typeof json !== 'object') return JSON.stringify(json)
  const inner = indent + 2
  const lines = (parts: string[], [open, close]: string) =>
    `${open}\n${parts.map((part) => `${' '.repeat(inner)}${part}`).join(',\n')}\n${' '.repeat(indent)}${close}`
  if (!Array.isArray(json)) {
    const members = Object.entries(json).map(([name, value]) => {
      const label = `${JSON.stringify(name)}: `
      return `${label}${formatted(value, inner, inner + label.length)}`
    })
    return members.length === 0 ? '{}' : lines(members, '{}')
  }
  const items = json.map((item) => formatted(item, inner, inner))
  const line = `[${items.join(', ')}]`
  // A comma may follow.
  return !line.includes('\n') && used + line.length < LINE_WIDTH ? line : lines(items, '[]')
}
