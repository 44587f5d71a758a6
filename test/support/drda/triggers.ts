import { derby } from '../../../src/adapters/informix/dialect.ts'
import {
  REFERENCE_TABLES,
  type ReferenceName,
  type ReferenceTable,
  USER_SOURCES,
} from '../../../src/adapters/sql/reference.ts'

/**
 * What db/sqlite/triggers.sql does, for Derby: no WHEN, one statement a trigger, so that each event has one that sees to
 * the counter's row, one that counts, and one that writes the change; they fire in the order in which they were made.
 */
export function derbyTriggers(): string[] {
  let number = 0
  const trigger = (when: string, statement: string) => {
    number += 1
    return `CREATE TRIGGER counted_${number} AFTER ${when} FOR EACH ROW MODE DB2SQL ${statement}`
  }
  const counting = (when: string, id: string, sources: readonly string[], condition: string) =>
    statements(id, sources, condition).map((statement) => trigger(when, statement))
  const usernames = [
    trigger(
      'INSERT ON users REFERENCING NEW AS n',
      'INSERT INTO username_keys (username_key) VALUES (LOWER(n.username))',
    ),
    trigger(
      'UPDATE OF username ON users REFERENCING OLD AS o NEW AS n',
      'UPDATE username_keys SET username_key = LOWER(n.username) WHERE username_key = LOWER(o.username)',
    ),
    trigger('DELETE ON users REFERENCING OLD AS o', 'DELETE FROM username_keys WHERE username_key = LOWER(o.username)'),
  ]
  const counters = REFERENCE_TABLES.flatMap(([name, table]) => {
    const inserted = `INSERT ON ${name} REFERENCING NEW AS n`
    const updated = `UPDATE ON ${name} REFERENCING OLD AS o NEW AS n`
    const deleted = `DELETE ON ${name} REFERENCING OLD AS o`
    const moved = table.id === null ? [] : counting(updated, idOf(table, 'o'), [name], `o.${table.id} <> n.${table.id}`)
    return [
      ...counting(inserted, idOf(table, 'n'), sourcesOf(name), '1 = 1'),
      ...counting(updated, idOf(table, 'n'), [name], Object.keys(table.columns).map(differs).join(' OR ')),
      ...moved,
      ...counting(deleted, idOf(table, 'o'), [name], '1 = 1'),
    ]
  })
  return [...usernames, ...counters]
}

const sourcesOf = (name: ReferenceName): readonly string[] => (name === 'users' ? USER_SOURCES : [name])

/** Of the entity, as SQL: `'user', '7'`. */
function idOf({ entity, id }: ReferenceTable, row: string): string {
  return id === null ? `'${entity}', '*'` : `'${entity}', RTRIM(CAST(${row}.${id} AS CHAR(20)))`
}

function differs(column: string): string {
  const [o, n] = [`o.${column}`, `n.${column}`]
  return `${o} <> ${n} OR (${o} IS NULL AND ${n} IS NOT NULL) OR (${o} IS NOT NULL AND ${n} IS NULL)`
}

function statements(entityAndId: string, sources: readonly string[], condition: string): string[] {
  const [entity, ...rest] = entityAndId.split(', ')
  const id = rest.join(', ')
  const now = derby.dialect.utcNow
  const of = `entity = ${entity} AND entity_id = ${id}`
  return [
    ...sources.map(
      (source) => `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
        SELECT ${entity}, ${id}, '${source}', 0, ${now} FROM sysibm.sysdummy1 WHERE (${condition})
        AND NOT EXISTS (SELECT 1 FROM entity_versions v WHERE v.entity = ${entity} AND v.entity_id = ${id} AND v.source = '${source}')`,
    ),
    `UPDATE entity_versions SET version = version + 1, changed_at = ${now}
      WHERE ${of} AND source IN (${sources.map((source) => `'${source}'`).join(', ')}) AND (${condition})`,
    `INSERT INTO entity_changes (entity, entity_id, changed_at)
      SELECT ${entity}, ${id}, ${now} FROM sysibm.sysdummy1 WHERE (${condition})`,
  ]
}
