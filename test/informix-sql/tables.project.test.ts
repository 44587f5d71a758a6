import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { REFERENCE_TABLES } from '../../src/adapters/sql/reference.ts'

/** What stands in for something that one dialect has and another has not. */
const OF_ONE_DIALECT = ['usr_sources', 'username_keys']

type Tables = Map<string, string[]>

/** `name not-null|nullable` of each column, and the keys. */
function tablesIn(...files: string[]): Tables {
  const text = files.map((file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).join('\n')
  const tables: Tables = new Map()
  for (const [, name = '', body = ''] of text.matchAll(/CREATE TABLE (\w+) \(\n([\s\S]*?)\n\)/g)) {
    if (OF_ONE_DIALECT.includes(name)) continue
    const lines = body.split(',\n').map((line) => line.trim())
    const described = lines.map((line) => {
      const key = /^PRIMARY KEY \(.*\)$/.exec(line)?.[0]
      const [column = ''] = line.split(' ')
      const isKey = / PRIMARY KEY/.test(line)
      const parent = /REFERENCES (\w+)/.exec(line)?.[1] ?? ''
      return (
        key ??
        [column, isKey || /NOT NULL/.test(line) ? 'not-null' : 'nullable', isKey ? 'key' : '', parent].join(' ').trim()
      )
    })
    tables.set(name, described)
  }
  return tables
}

const EMBEDDED = tablesIn('db/sqlite/tables.sql')
for (const [dialect, ...files] of [
  ['Informix', 'db/informix/reference.sql', 'db/informix/owned.sql'],
  ['Derby', 'test/support/drda/tables.sql'],
]) {
  test(`${dialect}’s tables are the embedded database’s: columns, keys, parents, and what may be NULL`, () => {
    const tables = tablesIn(...files)
    assert.deepEqual([...tables.keys()].sort(), [...EMBEDDED.keys()].sort())
    for (const [name, columns] of EMBEDDED) assert.deepEqual(tables.get(name), columns, name)
  })
}

test('the reference is what the tables are', () => {
  for (const [name, { columns }] of REFERENCE_TABLES) {
    const found = (EMBEDDED.get(name) ?? []).map((line) => line.split(' ')[0]).filter((word) => word !== 'PRIMARY')
    assert.deepEqual(found, Object.keys(columns), name)
  }
})
