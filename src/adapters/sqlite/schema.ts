import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Connection, openConnection } from './connection.ts'
import { addMissing } from './upgrade.ts'

const EPOCH_BYTES = 4
const NAME_BYTES = 4

/**
 * Makes the database file with its tables and triggers unless it is there; then adds what an earlier release had not.
 * Answers whether it made it. It appears only when it is whole; of several processes that start at once one makes it,
 * for a hard link never replaces anything.
 */
export function ensureSqliteSchema(path: string): boolean {
  if (existsSync(path)) {
    addMissing(path, ddl('tables.sql'))
    return false
  }
  mkdirSync(dirname(path), { recursive: true })
  const unlinked = `${path}.${randomBytes(NAME_BYTES).toString('hex')}`
  const connection = openConnection(unlinked, { readOnly: false })
  try {
    createTables(connection)
    createTriggers(connection)
  } finally {
    connection.close()
  }
  try {
    linkSync(unlinked, path)
    return true
  } catch (error) {
    if (existsSync(path)) return false
    throw error
  } finally {
    rmSync(unlinked)
  }
}

/** Tables, and an epoch that no other database has: copies of another one's people can never be taken for these. */
export function createTables(connection: Connection): void {
  connection.exec(`BEGIN; ${ddl('tables.sql')}`)
  connection.run('INSERT INTO service_epoch (epoch) VALUES (?)', [randomBytes(EPOCH_BYTES).toString('hex')])
  connection.exec('COMMIT')
}

/** After this every writer's changes are versioned. The role catalogue gets its counters here. */
export function createTriggers(connection: Connection): void {
  connection.exec(`BEGIN; ${ddl('triggers.sql')}`)
  for (const source of ['roles', 'role_permissions']) {
    connection.run(
      `INSERT OR IGNORE INTO entity_versions (entity, entity_id, source, version, changed_at)
       VALUES ('role', '*', ?, 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))`,
      [source],
    )
  }
  connection.exec('COMMIT')
}

function ddl(file: string): string {
  return readFileSync(new URL(`../../../db/sqlite/${file}`, import.meta.url), 'utf8')
}
