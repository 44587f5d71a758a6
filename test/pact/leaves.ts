export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [name: string]: Json }
export type Path = (string | number)[]

/** Where the values are that hold no others. */
export function* everyLeaf(json: Json, path: Path = []): Generator<Path> {
  if (typeof json !== 'object' || json === null) return yield path
  if (Array.isArray(json)) for (const [index, item] of json.entries()) yield* everyLeaf(item, [...path, index])
  else for (const [name, value] of Object.entries(json)) yield* everyLeaf(value, [...path, name])
}

/** A copy. */
export function withLeaf(json: Json, path: Path, value: Json): Json {
  const copy = structuredClone(json)
  const name = path.at(-1) ?? ''
  const holder = holderOf(copy, path)
  holder[name] = value
  return copy
}

/** A copy. Of a list the item goes, and the others move up. */
export function withoutLeaf(json: Json, path: Path): Json {
  const copy = structuredClone(json)
  const name = path.at(-1) ?? ''
  const holder = holderOf(copy, path)
  if (Array.isArray(holder)) holder.splice(Number(name), 1)
  else delete holder[name]
  return copy
}

type Holder = Record<string | number, Json>

function holderOf(json: Json, path: Path): Holder {
  return path.slice(0, -1).reduce<Holder>((inner, name) => inner[name] as Holder, json as Holder)
}
