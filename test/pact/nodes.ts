export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [name: string]: Json }
export type Path = (string | number)[]

/** Where the values are, those that hold others before what they hold. */
export function* everyNode(json: Json, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path
  if (typeof json !== 'object' || json === null) return
  if (Array.isArray(json)) for (const [index, item] of json.entries()) yield* everyNode(item, [...path, index])
  else for (const [name, value] of Object.entries(json)) yield* everyNode(value, [...path, name])
}

/** An item of a list is none: that there are fewer of them is no lack. */
export const isField = (path: Path): boolean => typeof path.at(-1) === 'string'

export function valueAt(json: Json, path: Path): Json {
  return holderOf(json, path)[path.at(-1) ?? ''] ?? null
}

/** A copy. */
export function withValue(json: Json, path: Path, value: Json): Json {
  const copy = structuredClone(json)
  const name = path.at(-1) ?? ''
  const holder = holderOf(copy, path)
  holder[name] = value
  return copy
}

/** A copy. */
export function withoutField(json: Json, path: Path): Json {
  const copy = structuredClone(json)
  delete holderOf(copy, path)[path.at(-1) ?? '']
  return copy
}

type Holder = Record<string | number, Json>

function holderOf(json: Json, path: Path): Holder {
  return path.slice(0, -1).reduce<Holder>((inner, name) => inner[name] as Holder, json as Holder)
}
