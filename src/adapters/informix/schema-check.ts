import type { Mapping } from '../sql/mapping.ts'
import { type ColumnKind, REFERENCE_TABLES } from '../sql/reference.ts'
import type { Catalog } from './catalog.ts'
import { partsOf, USERNAME_INDEX } from './ddl.ts'
import { triggersFor } from './triggers.ts'

/** `refusal`: the service would answer wrongly, or not at all. `warning`: it works, and somebody should look. */
export type Finding = { grade: 'refusal' | 'warning'; what: string }

const WHOLE = ['SMALLINT', 'INTEGER', 'SERIAL', 'INT8', 'SERIAL8', 'BIGINT', 'BIGSERIAL']
const TEXT = ['CHAR', 'NCHAR', 'VARCHAR', 'NVARCHAR', 'LVARCHAR']
const TYPES_OF: Record<ColumnKind, string[]> = {
  id: WHOLE,
  integer: [...WHOLE, 'DECIMAL'],
  flag: ['SMALLINT', 'INTEGER', 'BOOLEAN', 'CHAR'],
  time: ['DATETIME', ...TEXT],
  text: TEXT,
  'long-text': TEXT,
}

/** What a database lacks, or has and should not, to be served under this mapping. */
export function checkSchema(catalog: Catalog, mapping: Mapping): Finding[] {
  return [
    ...checkDatabase(catalog),
    ...REFERENCE_TABLES.flatMap(([name, { columns }]) => {
      const { table, columns: site } = mapping[name]
      return checkTable(
        catalog,
        table,
        Object.entries(columns).map(([column, kind]) => [site[column] ?? column, kind]),
      )
    }),
    ...checkOwned(catalog, mapping),
    ...checkTriggers(catalog, mapping),
  ]
}

const refusal = (what: string): Finding => ({ grade: 'refusal', what })
const warning = (what: string): Finding => ({ grade: 'warning', what })

function checkDatabase({ isLogged, locale, epochs, tables }: Catalog): Finding[] {
  return [
    ...(isLogged ? [] : [refusal('the database keeps no log: nothing could be rolled back')]),
    ...(locale === null ? [warning('its locale cannot be seen')] : []),
    ...(locale !== null && !/utf-?8|57372/i.test(locale)
      ? [warning(`its locale is ${locale}: characters outside of it are refused when they are written`)]
      : []),
    ...(tables.has('service_epoch') && epochs !== 1
      ? [refusal(`service_epoch has ${epochs} rows; it must have one`)]
      : []),
  ]
}

/** Without its owner, as the catalogue has it. */
const bare = (site: string): string => (site.split('.').at(-1) ?? site).toLowerCase()

function checkTable({ tables }: Catalog, site: string, columns: [name: string, kind: ColumnKind][]): Finding[] {
  const table = tables.get(bare(site))
  if (!table) return [refusal(`there is no table ${site}`)]
  const findings = columns.flatMap(([column, kind]) => {
    const type = table.columns.get(column.toLowerCase())
    if (type === undefined) return [refusal(`${site} has no column ${column}`)]
    const allowed = TYPES_OF[kind]
    if (!allowed.includes(type)) return [refusal(`${site}.${column} is ${type}; it must be ${allowed.join(', ')}`)]
    return kind === 'flag' && type === 'CHAR' ? [warning(`${site}.${column} is CHAR; this service writes 1 and 0`)] : []
  })
  return table.locks === 'row'
    ? findings
    : [...findings, warning(`${site} locks whole pages: writers of different people meet`)]
}

function checkOwned({ tables, indexes, routines }: Catalog, mapping: Mapping): Finding[] {
  return partsOf(mapping).flatMap(({ kind, name }) => {
    if (kind === 'table' && !tables.has(name)) return [refusal(`there is no table ${name}`)]
    if (kind === 'table' && tables.get(name)?.locks !== 'row') return [refusal(`${name} does not lock rows`)]
    if (kind === 'routine' && !routines.has(name)) return [refusal(`there is no routine ${name}`)]
    if (kind !== 'index' || indexes.has(name)) return []
    return [
      name === USERNAME_INDEX
        ? refusal(`there is no index ${name}: a search by username would read everybody, and two could have one name`)
        : warning(`there is no index ${name}`),
    ]
  })
}

function checkTriggers({ triggers, cascading }: Catalog, mapping: Mapping): Finding[] {
  const tables = REFERENCE_TABLES.map(([name]) => bare(mapping[name].table))
  return [
    ...triggersFor(mapping).flatMap(({ name, table }) => {
      const found = triggers.get(name)
      if (!found || found.table !== bare(table)) return [refusal(`there is no trigger ${name} on ${table}`)]
      return found.isEnabled ? [] : [refusal(`the trigger ${name} on ${table} is disabled`)]
    }),
    ...tables
      .filter((table) => cascading.includes(table))
      .map((table) => refusal(`rows of ${table} are deleted by a cascade, which fires no trigger`)),
    warning('programs that switch triggers off, or load tables past them, cannot be seen from here'),
  ]
}
