import { REFERENCE, REFERENCE_TABLES, type ReferenceName } from './reference.ts'

/** A site's own names for the tables and columns that the statements say (db/mapping/README.md). */
export type Mapping = Readonly<Record<ReferenceName, { table: string; columns: Readonly<Record<string, string>> }>>

/** What whoever wrote the file can mend: shown as one sentence. */
export class MappingError extends Error {
  readonly expected = true
}

/** The site calls everything as this service does. */
export const SAME_NAMES = Object.fromEntries(
  REFERENCE_TABLES.map(([name, { columns }]) => [
    name,
    { table: name, columns: Object.fromEntries(Object.keys(columns).map((column) => [column, column])) },
  ]),
) as Mapping

/** An ordinary identifier, perhaps with its owner before it: nothing else ever becomes part of a statement. */
const TABLE = /^(?:[A-Za-z_][A-Za-z0-9_]{0,31}\.)?[A-Za-z_][A-Za-z0-9_]{0,127}$/
const COLUMN = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/**
 * From parsed JSON: `{ "users": { "table": "t_user", "columns": { "user_id": "usr_no" } } }`. What it leaves out is called
 * as here. Throws MappingError for what is unknown, no identifier, or there twice.
 */
export function mappingFrom(json: unknown): Mapping {
  const given = objectAt(json, 'the mapping')
  for (const name of Object.keys(given))
    if (!(name in REFERENCE)) throw new MappingError(`There is no table ${quoted(name)} to map.`)
  const mapping = Object.fromEntries(
    REFERENCE_TABLES.map(([name]) => [
      name,
      tableFrom(name, given[name] === undefined ? {} : objectAt(given[name], name)),
    ]),
  ) as Mapping
  refuseTwice(
    Object.values(mapping).map(({ table }) => table),
    'Two tables',
  )
  return mapping
}

function tableFrom(name: ReferenceName, given: Record<string, unknown>): Mapping[ReferenceName] {
  const { table = name, columns = {}, ...others } = given
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new MappingError(`${name} has a member ${quoted(other)}; it may have table and columns.`)
  if (typeof table !== 'string' || !TABLE.test(table)) throw new MappingError(`The table of ${name} is no identifier.`)
  const known: Readonly<Record<string, string>> = REFERENCE[name].columns
  const renamed = objectAt(columns, `${name}.columns`)
  for (const [column, to] of Object.entries(renamed)) {
    if (!(column in known)) throw new MappingError(`${name} has no column ${quoted(column)} to map.`)
    if (typeof to !== 'string' || !COLUMN.test(to))
      throw new MappingError(`The column ${name}.${column} is no identifier.`)
  }
  const names = Object.keys(known).map((column) => [column, String(renamed[column] ?? column)] as const)
  refuseTwice(
    names.map(([, to]) => to),
    `Two columns of ${name}`,
  )
  return { table, columns: Object.fromEntries(names) }
}

function objectAt(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MappingError(`${where} is no object.`)
  return value as Record<string, unknown>
}

function refuseTwice(names: string[], what: string): void {
  const lower = names.map((name) => name.toLowerCase())
  if (new Set(lower).size < lower.length) throw new MappingError(`${what} are mapped to one name.`)
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 40))
