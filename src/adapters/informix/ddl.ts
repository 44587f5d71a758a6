import { readFileSync } from 'node:fs'
import type { Mapping } from '../sql/mapping.ts'
import { ROLE_SOURCES } from '../sql/reference.ts'
import { triggersFor } from './triggers.ts'

/** In the order in which it has to be made. `name`: by which `apply` sees that it is there. */
export type Part = { kind: 'table' | 'index' | 'routine' | 'trigger' | 'rows'; name: string; sql: string }

const ROUTINE = /^CREATE (FUNCTION|PROCEDURE) (\w+)[\s\S]*?^END \1;$/gm
const NAMED = /^CREATE (?:UNIQUE )?(TABLE|INDEX) (\w+)/

/** What this service owns, tables first; then what counts the people who are there; triggers last. */
export function partsOf(mapping: Mapping): Part[] {
  return [...ownedParts(), ...onSiteTables(mapping)]
}

export const USERNAME_INDEX = 'usr_users_username'
/** Done once, before the triggers: in one statement, so all or nobody. */
export const USERS_COUNTED = 'users counted'

/** In every command, while others write them. Those of the audit are empty at first: run once more, it helps. */
const READ_BY_KEY = ['entity_versions', 'user_audit', 'audit_chain', 'audit_heads']

function ownedParts(): Part[] {
  const text = readFileSync(new URL('../../../db/informix/owned.sql', import.meta.url), 'utf8').replaceAll(
    /^--.*\n/gm,
    '',
  )
  const routines = [...text.matchAll(ROUTINE)].map(
    ([sql, , name = '']): Part => ({ kind: 'routine', name, sql: withoutEnd(sql) }),
  )
  const statements = text
    .replaceAll(ROUTINE, '')
    .split(';')
    .map((sql) => sql.trim())
  const plain = statements
    .filter((sql) => sql !== '')
    .map((sql): Part => {
      const [, what, name = ''] = NAMED.exec(sql) ?? []
      return { kind: what === 'TABLE' ? 'table' : what === 'INDEX' ? 'index' : 'rows', name, sql }
    })
  return [...plain, ...routines]
}

/** The database takes a statement without the semicolon that ends it in a script. */
const withoutEnd = (sql: string): string => sql.replace(/;$/, '')

function onSiteTables(mapping: Mapping): Part[] {
  const { table, columns } = mapping.users
  return [
    {
      kind: 'index',
      name: USERNAME_INDEX,
      sql: `CREATE UNIQUE INDEX ${USERNAME_INDEX} ON ${table} (usr_lower(${columns.username}))`,
    },
    {
      kind: 'rows',
      name: USERS_COUNTED,
      sql: `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
  SELECT 'user', CAST(u.${columns.user_id} AS VARCHAR(20)), s.source, 1, usr_utc_now() FROM ${table} u, usr_sources s`,
    },
    ...ROLE_SOURCES.map(
      (source): Part => ({
        kind: 'rows',
        name: '',
        sql: `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
  VALUES ('role', '*', '${source}', 1, usr_utc_now())`,
      }),
    ),
    // A table that was empty when it was made would be read from end to end, and so would stop at every lock.
    ...READ_BY_KEY.map((table): Part => ({ kind: 'rows', name: '', sql: `UPDATE STATISTICS HIGH FOR TABLE ${table}` })),
    ...triggersFor(mapping).map(({ name, ddl }): Part => ({ kind: 'trigger', name, sql: ddl })),
  ]
}

/** As a script that a DBA may read and run. */
export function script(mapping: Mapping): string {
  const own = readFileSync(new URL('../../../db/informix/owned.sql', import.meta.url), 'utf8')
  const site = onSiteTables(mapping).map(({ sql }) => `${sql};`)
  return [
    own,
    "-- On the site's own tables: an index, and the triggers, which come last: the versions of who is there come before.",
    ...site,
    '',
  ].join('\n')
}
