import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mappingFrom, SAME_NAMES } from '../sql/mapping.ts'
import { REFERENCE_TABLES } from '../sql/reference.ts'
import type { Catalog } from './catalog.ts'
import { partsOf, script } from './ddl.ts'
import { checkSchema } from './schema-check.ts'
import { triggersFor } from './triggers.ts'

const TYPES = {
  id: 'SERIAL',
  integer: 'BIGINT',
  flag: 'SMALLINT',
  time: 'VARCHAR',
  text: 'VARCHAR',
  'long-text': 'LVARCHAR',
}
type Table = { columns: Map<string, string>; locks: 'row' | 'page' }

/** A database that has all that is needed. */
function whole(): Catalog {
  const parts = partsOf(SAME_NAMES)
  const named = (kind: string) => parts.filter((part) => part.kind === kind).map(({ name }) => name)
  const reference = REFERENCE_TABLES.map(([name, { columns }]): [string, Table] => [
    name,
    { columns: new Map(Object.entries(columns).map(([column, kind]) => [column, TYPES[kind]])), locks: 'row' },
  ])
  const owned = named('table').map((name): [string, Table] => [name, { columns: new Map(), locks: 'row' }])
  return {
    isLogged: true,
    locale: 'en_us.utf8',
    tables: new Map([...reference, ...owned]),
    indexes: new Set(named('index')),
    routines: new Set(named('routine')),
    triggers: new Map(triggersFor(SAME_NAMES).map(({ name, table }) => [name, { table, isEnabled: true }])),
    cascading: [],
    epochs: 1,
  }
}

const refusals = (catalog: Catalog, mapping = SAME_NAMES) =>
  checkSchema(catalog, mapping).flatMap(({ grade, what }) => (grade === 'refusal' ? [what] : []))
const warnings = (catalog: Catalog) =>
  checkSchema(catalog, SAME_NAMES).flatMap(({ grade, what }) => (grade === 'warning' ? [what] : []))

describe('schema check', () => {
  test('a database with all that is needed can be served; what cannot be seen is said', () => {
    assert.deepEqual(refusals(whole()), [])
    assert.match(warnings(whole()).join(), /cannot be seen from here/)
  })

  const FAULTS: [what: string, spoil: (catalog: Catalog) => unknown, found: RegExp][] = [
    ['no log', (c) => Object.assign(c, { isLogged: false }), /keeps no log/],
    ['a table missing', (c) => c.tables.delete('user_limits'), /no table user_limits/],
    ['a column missing', (c) => c.tables.get('users')?.columns.delete('phone'), /users has no column phone/],
    ['a type that cannot be read', (c) => c.tables.get('users')?.columns.set('user_id', 'FLOAT'), /user_id is FLOAT/],
    ['a table of ours missing', (c) => c.tables.delete('entity_changes'), /no table entity_changes/],
    [
      'a table of ours that locks pages',
      (c) => Object.assign(c.tables.get('entity_versions') ?? {}, { locks: 'page' }),
      /does not lock rows/,
    ],
    ['a routine missing', (c) => c.routines.delete('usr_changed'), /no routine usr_changed/],
    ['the username index missing', (c) => c.indexes.delete('usr_users_username'), /no index usr_users_username/],
    ['a trigger missing', (c) => c.triggers.delete('usr_t_users_upd'), /no trigger usr_t_users_upd on users/],
    [
      'a trigger disabled',
      (c) => c.triggers.set('usr_t_roles_del', { table: 'roles', isEnabled: false }),
      /usr_t_roles_del on roles is disabled/,
    ],
    ['a cascade', (c) => c.cascading.push('user_branches'), /user_branches are deleted by a cascade/],
    ['two epochs', (c) => Object.assign(c, { epochs: 2 }), /service_epoch has 2 rows/],
  ]
  for (const [what, spoil, found] of FAULTS) {
    test(`refuses ${what}`, () => {
      const catalog = whole()
      spoil(catalog)
      assert.deepEqual(refusals(catalog).length, 1)
      assert.match(refusals(catalog)[0] ?? '', found)
    })
  }

  test('warns of page locks, of another code set, and of one that cannot be seen', () => {
    const catalog = whole()
    Object.assign(catalog.tables.get('users') ?? {}, { locks: 'page' })
    assert.match(warnings(catalog).join('\n'), /users locks whole pages/)
    assert.match(warnings({ ...whole(), locale: 'en_us.819' }).join('\n'), /its locale is en_us.819/)
    assert.match(warnings({ ...whole(), locale: null }).join('\n'), /locale cannot be seen/)
  })

  test('looks for a site’s own names', () => {
    const mapping = mappingFrom({ users: { table: 'trs.t_user', columns: { phone: 'tel' } } })
    const found = refusals(whole(), mapping)
    assert.equal(found[0], 'there is no table trs.t_user')
    // Those that stand on a table of another name count nothing of this one.
    assert.equal(found.filter((what) => / on trs\.t_user$/.test(what)).length, 3)
    const catalog = whole()
    catalog.tables.set('t_user', { columns: new Map(catalog.tables.get('users')?.columns), locks: 'row' })
    for (const { name, table } of triggersFor(mapping)) {
      catalog.triggers.set(name, { table: table === 'trs.t_user' ? 't_user' : table, isEnabled: true })
    }
    assert.deepEqual(refusals(catalog, mapping), ['trs.t_user has no column tel'])
    catalog.cascading.push('t_user')
    assert.match(refusals(catalog, mapping).join(), /rows of t_user are deleted by a cascade/)
  })
})

describe('the DDL', () => {
  test('every table of ours locks rows, and every part has a name of ours', () => {
    for (const { kind, name, sql } of partsOf(SAME_NAMES)) {
      if (kind === 'table') assert.match(sql, /\) LOCK MODE ROW$/)
      if (kind === 'routine' || kind === 'trigger') assert.match(name, /^usr_/)
    }
  })

  test('triggers come last, after the rows of who is there', () => {
    const kinds = partsOf(SAME_NAMES).map(({ kind }) => kind)
    assert.ok(kinds.lastIndexOf('rows') < kinds.indexOf('trigger'))
    assert.equal(
      kinds.slice(kinds.indexOf('trigger')).every((kind) => kind === 'trigger'),
      true,
    )
  })

  test('each table has a trigger an event; an update looks at every column that is shown', () => {
    const triggers = triggersFor(SAME_NAMES)
    assert.equal(triggers.length, 3 * REFERENCE_TABLES.length)
    for (const [name, { columns }] of REFERENCE_TABLES) {
      const update = triggers.find((trigger) => trigger.table === name && trigger.event === 'UPDATE')
      for (const column of Object.keys(columns))
        assert.match(update?.ddl ?? '', new RegExp(`o\\.${column} <> n\\.${column}`))
    }
  })

  test('the script is all of it, in the site’s names', () => {
    const mapping = mappingFrom({ users: { table: 'trs.t_user', columns: { user_id: 'usr_no' } } })
    const text = script(mapping)
    for (const { kind, name } of partsOf(mapping)) assert.ok(kind === 'rows' || text.includes(name), name)
    assert.match(text, /UPDATE ON trs\.t_user REFERENCING OLD AS o NEW AS n/)
    assert.match(text, /usr_changed\('user', n\.usr_no, 'users'\)/)
    assert.doesNotMatch(text, /o\.user_id <> n\.user_id\s+OR o\.username/)
  })
})
