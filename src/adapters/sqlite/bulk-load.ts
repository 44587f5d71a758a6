import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Role } from '../../domain/role.ts'
import type { User } from '../../domain/user.ts'
import { USER_SOURCES } from '../sql/reference.ts'
import { toSqlTime } from '../sql/time.ts'
import { detailColumns } from '../sql/user-events.ts'
import { type Connection, openConnection } from './connection.ts'
import { createTables, createTriggers } from './schema.ts'

const USERS_PER_TRANSACTION = 5_000

export type BulkLoad = { path: string; roles: Role[]; users: Iterable<User>; onProgress(done: number): void }

/**
 * Makes a database out of a stream of users. It appears at `path` only when it is whole: what is killed half way leaves a
 * file beside it, which the next load removes. Versions are written here and not by triggers, which come last.
 */
export function bulkLoad({ path, roles, users, onProgress }: BulkLoad): void {
  const unfinished = `${path}.loading`
  mkdirSync(dirname(path), { recursive: true })
  removeDatabase(unfinished)
  const connection = openConnection(unfinished, { readOnly: false })
  // Nothing to lose: a load that is broken off is begun again.
  connection.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF')
  try {
    createTables(connection)
    for (const role of roles) insertRole(connection, role)
    insertUsers(connection, users, onProgress)
    createTriggers(connection)
    connection.exec('ANALYZE; PRAGMA journal_mode = DELETE')
  } finally {
    connection.close()
  }
  removeDatabase(path)
  renameSync(unfinished, path)
}

export function removeDatabase(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
}

function insertRole(connection: Connection, { role, title, privileged, permissions }: Role): void {
  connection.run('INSERT INTO roles (role, title, privileged) VALUES (?, ?, ?)', [role, title, privileged ? 1 : 0])
  for (const { permission, effect } of permissions) {
    connection.run('INSERT INTO role_permissions (role, permission, effect) VALUES (?, ?, ?)', [
      role,
      permission,
      effect,
    ])
  }
}

function insertUsers(connection: Connection, users: Iterable<User>, onProgress: (done: number) => void): void {
  let done = 0
  connection.exec('BEGIN')
  for (const user of users) {
    insertUser(connection, user)
    done += 1
    if (done % USERS_PER_TRANSACTION === 0) {
      connection.exec('COMMIT; BEGIN')
      onProgress(done)
    }
  }
  connection.exec('COMMIT')
  onProgress(done)
}

function insertUser(connection: Connection, user: User): void {
  const columns = {
    user_id: user.id,
    ...detailColumns(user),
    status: user.status,
    home_branch_id: user.homeBranchId,
    created_at: toSqlTime(user.createdAt),
    updated_at: toSqlTime(user.updatedAt),
  }
  connection.run(insertInto('users', Object.keys(columns)), Object.values(columns))
  for (const branchId of user.branches) connection.run(INSERT_BRANCH, [user.id, branchId])
  for (const { role, branchId } of user.roles) connection.run(INSERT_GRANT, [user.id, role, branchId])
  for (const [name, value] of Object.entries(user.limits)) connection.run(INSERT_LIMIT, [user.id, name, value])
  for (const [key, value] of Object.entries(user.preferences)) connection.run(INSERT_PREFERENCE, [user.id, key, value])
  for (const source of USER_SOURCES) connection.run(INSERT_VERSION, [String(user.id), source, columns.updated_at])
}

function insertInto(table: string, columns: string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}

const INSERT_BRANCH = insertInto('user_branches', ['user_id', 'branch_id'])
const INSERT_GRANT = insertInto('user_roles', ['user_id', 'role', 'branch_id'])
const INSERT_LIMIT = insertInto('user_limits', ['user_id', 'limit_name', 'limit_value'])
const INSERT_PREFERENCE = insertInto('user_preferences', ['user_id', 'preference_key', 'preference_value'])
const INSERT_VERSION = `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
  VALUES ('user', ?, ?, 1, ?)`
