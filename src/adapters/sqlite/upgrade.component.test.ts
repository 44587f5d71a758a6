import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from '../../../test/contract/sqlite.ts'
import { sqlChanges } from '../sql/changes.ts'
import { type Connection, openConnection } from './connection.ts'
import { openSqlite } from './database.ts'
import { createTriggers, ensureSqliteSchema } from './schema.ts'

const ADDED = ['change_claims', 'entity_changes_changed', 'parked_changes']
const PROCESSES = 4
const OTHERS_WRITE_MS = 300

function withConnection<Result>(path: string, work: (connection: Connection) => Result): Result {
  const connection = openConnection(path, { readOnly: false })
  try {
    return work(connection)
  } finally {
    connection.close()
  }
}
async function withWriter(path: string, work: () => Promise<void>): Promise<void> {
  const connection = openConnection(path, { readOnly: false })
  try {
    connection.exec('BEGIN IMMEDIATE')
    await work()
  } finally {
    connection.close()
  }
}
const query = (path: string, sql: string) =>
  withConnection(path, (connection) => connection.all(sql, []).map((row) => ({ ...row })))
const schemaOf = (path: string) =>
  query(path, `SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name`)

/** A database of the release before changes were claimed, with one user, whose change is still to be handled. */
async function oldDatabase(t: TestContext): Promise<string> {
  const path = join(await temporaryFolder(t), 'users.db')
  const tables = await readFile(new URL('../../../test/support/tables-before-claims.sql', import.meta.url), 'utf8')
  withConnection(path, (connection) => {
    connection.exec(tables)
    connection.exec(`INSERT INTO service_epoch (epoch) VALUES ('0ld')`)
    createTriggers(connection)
    connection.exec(`INSERT INTO users (user_id, username, given_name, family_name, created_at, updated_at)
      VALUES (7, 'ann.lee', 'Ann', 'Lee', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`)
  })
  return path
}
const HELD = ['users', 'entity_versions', 'entity_changes', 'service_epoch']
const held = (path: string) => HELD.map((table) => query(path, `SELECT * FROM ${table}`))

test('a database of the release before gets what it lacks, and keeps what it holds', async (t) => {
  const path = await oldDatabase(t)
  const before = held(path)
  const names = new Set(schemaOf(path).map(({ name }) => name))
  assert.ok(ADDED.every((name) => !names.has(name)))
  assert.equal(ensureSqliteSchema(path), false)
  const fresh = join(await temporaryFolder(t), 'fresh.db')
  ensureSqliteSchema(fresh)
  assert.deepEqual(schemaOf(path), schemaOf(fresh))
  assert.deepEqual(held(path), before)
  const database = openSqlite(path)
  t.after(database.close)
  const claim = await sqlChanges(database, { leaseMs: 10_000 }).claim()
  assert.ok(typeof claim !== 'string')
  assert.deepEqual(
    claim.changes.map(({ entity, entityId }) => [entity, entityId]),
    [['user', '7']],
  )
})

/** Processes that are about to open the database; each does when told. */
function startOpening(t: TestContext, path: string, count: number) {
  const program = `
    const { ensureSqliteSchema } = await import(process.argv[1])
    process.stdin.once('data', () => {
      process.stdout.write('opening', () => {
        ensureSqliteSchema(process.argv[2])
        process.exit(0)
      })
    })
    process.stdout.write('ready')`
  return Array.from({ length: count }, () => {
    const args = ['--input-type=module', '-e', program, new URL('schema.ts', import.meta.url).href, path]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    let failed = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      failed += text
    })
    return {
      ready: once(child.stdout, 'data'),
      /** Resolves when it begins. */
      open: async () => {
        const opening = once(child.stdout, 'data')
        child.stdin.end('go')
        await opening
      },
      ended: once(child, 'close').then(([code]) => [code, failed]),
    }
  })
}

test('of several processes that open it at once each finds it whole', async (t) => {
  const path = await oldDatabase(t)
  const children = startOpening(t, path, PROCESSES)
  await Promise.all(children.map(({ ready }) => ready))
  await Promise.all(children.map(({ open }) => open()))
  const results = await Promise.all(children.map(({ ended }) => ended))
  assert.deepEqual(results, new Array(PROCESSES).fill([0, '']))
  const names = schemaOf(path).map(({ name }) => name)
  for (const name of ADDED) assert.ok(names.includes(name), String(name))
})

test('it waits for another writer to end', async (t) => {
  const path = await oldDatabase(t)
  const [child] = startOpening(t, path, 1)
  assert.ok(child)
  await child.ready
  await withWriter(path, async () => {
    await child.open()
    // Some time, and no condition: it is another's waiting. SQLite's own would be over soon.
    assert.equal(await Promise.race([child.ended, delay(OTHERS_WRITE_MS, 'waiting')]), 'waiting')
  })
  assert.deepEqual(await child.ended, [0, ''])
  const names = schemaOf(path).map(({ name }) => name)
  for (const name of ADDED) assert.ok(names.includes(name), String(name))
})

test('where nothing is missing nothing is locked: somebody may be writing', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  ensureSqliteSchema(path)
  withConnection(path, (writer) => {
    writer.exec('BEGIN IMMEDIATE')
    assert.equal(ensureSqliteSchema(path), false)
  })
})

test('what breaks in the middle has added nothing', async (t) => {
  const path = await oldDatabase(t)
  withConnection(path, (connection) => {
    // The last that is missing can't be made: its name is taken, in a way that no comparison of names can see.
    connection.exec('CREATE TABLE PARKED_CHANGES (note VARCHAR(10))')
  })
  const before = schemaOf(path)
  assert.throws(() => ensureSqliteSchema(path), { name: 'SqlError' })
  assert.deepEqual(schemaOf(path), before)
})

test('what is there is never altered, even if it looks different', async (t) => {
  const path = await oldDatabase(t)
  withConnection(path, (connection) => connection.exec('CREATE TABLE parked_changes (note VARCHAR(10))'))
  ensureSqliteSchema(path)
  const [row] = query(path, `SELECT sql FROM sqlite_schema WHERE name = 'parked_changes'`)
  assert.equal(row?.sql, 'CREATE TABLE parked_changes (note VARCHAR(10))')
})

test('a database of somebody else is left as it is', async (t) => {
  const path = join(await temporaryFolder(t), 'other.db')
  withConnection(path, (connection) => connection.exec('CREATE TABLE notes (note VARCHAR(10))'))
  assert.equal(ensureSqliteSchema(path), false)
  assert.deepEqual(
    schemaOf(path).map(({ name }) => name),
    ['notes'],
  )
})
