import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/contract/sqlite.ts'
import type { SqlRow } from '../../ports.ts'
import { openConnection } from './connection.ts'
import { ensureSqliteSchema } from './schema.ts'

const PROCESSES = 4
const DATABASES = 12

function query(path: string, sql: string): SqlRow[] {
  const connection = openConnection(path, { readOnly: false })
  try {
    return connection.all(sql, []).map((row) => ({ ...row }))
  } finally {
    connection.close()
  }
}

test('the schema is made once, and then left as it is', async (t) => {
  const path = join(await temporaryFolder(t), 'a', 'b', 'users.db')
  assert.equal(ensureSqliteSchema(path), true)
  const epoch = query(path, 'SELECT epoch FROM service_epoch')
  assert.match(String(epoch[0]?.epoch), /^[0-9a-f]{8}$/)
  assert.equal(ensureSqliteSchema(path), false)
  assert.deepEqual(query(path, 'SELECT epoch FROM service_epoch'), epoch)
  assert.deepEqual(await readdir(join(path, '..')), ['users.db'])
})

test('every database has an epoch of its own', async (t) => {
  const folder = await temporaryFolder(t)
  const epochs = ['a.db', 'b.db', 'c.db'].map((name) => {
    ensureSqliteSchema(join(folder, name))
    return query(join(folder, name), 'SELECT epoch FROM service_epoch')[0]?.epoch
  })
  assert.equal(new Set(epochs).size, 3)
})

test('all that the two files say is made, and the catalogue has both its counters', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  ensureSqliteSchema(path)
  const ddl = await Promise.all(
    ['tables.sql', 'triggers.sql'].map((file) =>
      readFile(new URL(`../../../db/sqlite/${file}`, import.meta.url), 'utf8'),
    ),
  )
  const said = [...ddl.join('\n').matchAll(/^CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) (\w+)/gm)].map(
    ([, name]) => name,
  )
  const made = query(path, `SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name`)
  assert.deepEqual(
    made.map(({ name }) => name),
    said.sort(),
  )
  assert.deepEqual(query(path, 'SELECT entity, entity_id, source, version FROM entity_versions'), [
    { entity: 'role', entity_id: '*', source: 'role_permissions', version: 1 },
    { entity: 'role', entity_id: '*', source: 'roles', version: 1 },
  ])
})

/** Makes one database after the other, each at the moment when all processes are about to; then uses it at once. */
const STARTER = `
  import { existsSync, readdirSync, writeFileSync } from 'node:fs'
  const { ensureSqliteSchema } = await import(process.argv[1] + '/schema.ts')
  const { openSqlite } = await import(process.argv[1] + '/database.ts')
  const [, , folder, name, processes, databases] = process.argv
  for (let index = 0; index < Number(databases); index += 1) {
    writeFileSync(folder + '/ready-' + index + '-' + name, '')
    while (readdirSync(folder).filter((file) => file.startsWith('ready-' + index + '-')).length < Number(processes));
    const path = folder + '/' + index + '.db'
    const made = ensureSqliteSchema(path)
    const database = openSqlite(path)
    const [{ epoch }] = await database.query('SELECT epoch FROM service_epoch')
    await database.execute("INSERT INTO roles (role, title) VALUES (?, 'Role')", [name])
    const [{ version }] = await database.query("SELECT version FROM entity_versions WHERE source = 'roles'")
    await database.close()
    console.log(JSON.stringify({ index, made, epoch, counted: version > 1 }))
  }
`

test('of several processes that start at once, one makes the database, and all use it', async (t) => {
  const folder = await temporaryFolder(t)
  const children = Array.from({ length: PROCESSES }, (_, name) =>
    spawn(
      process.execPath,
      ['--input-type=module', '-e', STARTER, import.meta.dirname, folder, `p${name}`, `${PROCESSES}`, `${DATABASES}`],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    ),
  )
  t.after(() => children.map((child) => child.kill('SIGKILL')))
  const outputs = await Promise.all(
    children.map(async (child) => {
      let [said, failed] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        failed += text
      })
      const [code] = await once(child, 'close')
      // The others would wait for this one.
      if (code !== 0) for (const other of children) other.kill('SIGKILL')
      return { code, failed, said }
    }),
  )
  assert.deepEqual(
    outputs.filter(({ code }) => code !== 0 && code !== null).map(({ failed }) => failed),
    [],
  )
  const results = outputs.flatMap(({ said }) =>
    said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  for (let index = 0; index < DATABASES; index += 1) {
    const ofThis = results.filter((result) => result.index === index)
    assert.equal(ofThis.length, PROCESSES)
    assert.equal(ofThis.filter(({ made }) => made).length, 1, `database ${index} is made by one`)
    assert.equal(new Set(ofThis.map(({ epoch }) => epoch)).size, 1)
    assert.ok(
      ofThis.every(({ counted }) => counted),
      'its triggers are there before anybody writes',
    )
    assert.deepEqual(query(join(folder, `${index}.db`), 'SELECT COUNT(*) AS n FROM roles'), [{ n: PROCESSES }])
  }
  assert.deepEqual(
    (await readdir(folder)).filter((file) => !/^(?:\d+\.db|ready-.*)$/.test(file)),
    [],
  )
})
