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
    // Of any column: with `OF username` Derby 10.7.1.1 runs it, and finds no key.
    trigger(
      'UPDATE ON users REFERENCING OLD AS o NEW AS n',
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

const NOW = "'2020-01-01 00:00:00.000'"
/** So many that a trigger is compiled to find its counter by the key: one that reads all would wait for every other writer. */
const MANY = Array.from({ length: 1_000 }, (_, n) => `('none', '${n}', 'none', 0, ${NOW})`)
/**
 * Fires each trigger once, and takes back what that leaves. Derby compiles a trigger when it fires for the first time, in
 * that transaction, and keeps rows of its own catalogue locked until its end: of writers who come at once, each the first at
 * something, some would wait for one another until they are told that they have waited too long.
 */
export function firings(): string[] {
  return [
    `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at) VALUES ${MANY.join(', ')}`,
    `INSERT INTO users (user_id, username, given_name, family_name, created_at, updated_at)
      VALUES (1, 'first', 'First', 'First', ${NOW}, ${NOW})`,
    `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`,
    `INSERT INTO roles (role, title) VALUES ('first', 'First')`,
    `INSERT INTO role_permissions (role, permission, effect) VALUES ('first', 'first', 'allow')`,
    `INSERT INTO user_roles (user_id, role) VALUES (1, 'first')`,
    `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'first', 1)`,
    `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'first', 'first')`,
    `UPDATE users SET username = 'second'`,
    `UPDATE user_branches SET branch_id = 'B2'`,
    `UPDATE roles SET title = 'Second'`,
    `UPDATE role_permissions SET effect = 'approve'`,
    `UPDATE user_roles SET branch_id = 'B2'`,
    `UPDATE user_limits SET limit_value = 2`,
    `UPDATE user_preferences SET preference_value = 'second'`,
    ...['user_preferences', 'user_limits', 'user_roles', 'role_permissions', 'roles', 'user_branches', 'users'].map(
      (table) => `DELETE FROM ${table}`,
    ),
    'DELETE FROM entity_changes',
    `DELETE FROM entity_versions WHERE entity <> 'role'`,
    `UPDATE entity_versions SET version = 1, changed_at = ${NOW}`,
  ]
}
