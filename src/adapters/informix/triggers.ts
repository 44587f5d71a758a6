import type { Mapping } from '../sql/mapping.ts'
import { REFERENCE_TABLES, type ReferenceName, type ReferenceTable } from '../sql/reference.ts'

export type Trigger = { name: string; table: string; event: 'INSERT' | 'UPDATE' | 'DELETE'; ddl: string }

/** So that a site's own triggers are never taken for this service's. */
const PREFIX = 'usr_t_'

/**
 * Three a table: one procedure counts the change and writes it down, in the writer's own transaction. An update counts
 * only when a column that a read model shows has changed, and for the old and the new id.
 */
export function triggersFor(mapping: Mapping): Trigger[] {
  return REFERENCE_TABLES.flatMap(([name, table]) => triggersOf(name, table, mapping))
}

function triggersOf(name: ReferenceName, table: ReferenceTable, mapping: Mapping): Trigger[] {
  const { table: site, columns } = mapping[name]
  const call = (row: string) =>
    `EXECUTE PROCEDURE usr_changed('${table.entity}', ${idOf(table, columns, row)}, '${name}')`
  const added = name === 'users' ? `EXECUTE PROCEDURE usr_user_added(${idOf(table, columns, 'n')})` : call('n')
  const trigger = (event: Trigger['event'], suffix: string, rows: string, action: string): Trigger => ({
    name: `${PREFIX}${name}_${suffix}`,
    table: site,
    event,
    ddl: `CREATE TRIGGER ${PREFIX}${name}_${suffix} ${event} ON ${site} REFERENCING ${rows} FOR EACH ROW\n  ${action}`,
  })
  const changed = Object.entries(table.columns).map(([column, kind]) => differs(columns[column] ?? column, kind))
  const moved = table.id === null ? '' : `,\n  WHEN (o.${columns[table.id]} <> n.${columns[table.id]}) (${call('o')})`
  return [
    trigger('INSERT', 'ins', 'NEW AS n', `(${added})`),
    trigger('UPDATE', 'upd', 'OLD AS o NEW AS n', `WHEN (${changed.join('\n    OR ')})\n    (${call('n')})${moved}`),
    trigger('DELETE', 'del', 'OLD AS o', `(${call('o')})`),
  ]
}

function idOf({ id }: ReferenceTable, columns: Readonly<Record<string, string>>, row: string): string {
  return id === null ? "'*'" : `${row}.${columns[id]}`
}

/** NULL is like nothing; and to a comparison of text, blanks at the end are none, but a reader sees them. */
function differs(column: string, kind: string): string {
  const [o, n] = [`o.${column}`, `n.${column}`]
  const nulls = `(${o} IS NULL AND ${n} IS NOT NULL) OR (${o} IS NOT NULL AND ${n} IS NULL)`
  const blanks = kind === 'text' || kind === 'long-text' ? ` OR OCTET_LENGTH(${o}) <> OCTET_LENGTH(${n})` : ''
  return kind === 'id' ? `${o} <> ${n}` : `${o} <> ${n}${blanks} OR ${nulls}`
}
