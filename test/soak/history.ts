import { DatabaseSync } from 'node:sqlite'

/** One committed state: a user's rows, or the role catalogue's, as JSON. `state` null: no such user any more. */
export type Commit = { seq: number; entity: 'user' | 'role'; entityId: string; version: number; state: string | null }

const BUSY_TIMEOUT_MS = 10_000
const PAGE = 5_000

/** Columns as they are: what clients see of them is for the checker to say, in words of its own. */
const userState = (id: string) => `(SELECT json_object(
  'userId', u.user_id, 'username', u.username, 'employeeNumber', u.employee_number, 'givenName', u.given_name,
  'familyName', u.family_name, 'email', u.email, 'phone', u.phone, 'jobTitle', u.job_title, 'status', u.status,
  'homeBranchId', u.home_branch_id,
  'branches', (SELECT json_group_array(branch_id) FROM user_branches WHERE user_id = u.user_id),
  'roles', (SELECT json_group_array(json_object('role', role, 'branchId', branch_id)) FROM user_roles
            WHERE user_id = u.user_id),
  'limits', (SELECT json_group_object(limit_name, limit_value) FROM user_limits WHERE user_id = u.user_id),
  'preferences', (SELECT json_group_object(preference_key, preference_value) FROM user_preferences
                  WHERE user_id = u.user_id),
  'createdAt', u.created_at, 'updatedAt', u.updated_at) FROM users u WHERE u.user_id = ${id})`

const ROLES_STATE = `(SELECT json_group_array(json_object('role', r.role, 'title', r.title, 'privileged', r.privileged,
  'permissions', (SELECT json_group_array(json_object('permission', permission, 'effect', effect))
                  FROM role_permissions WHERE role = r.role))) FROM roles r)`

const versionOf = (entity: string, id: string) =>
  `(SELECT SUM(version) FROM entity_versions WHERE entity = ${entity} AND entity_id = ${id})`

const trigger = (name: string, event: string) => `CREATE TRIGGER ${name} AFTER ${event} ON entity_versions
  FOR EACH ROW BEGIN
    INSERT INTO soak_history (entity, entity_id, version, state)
      VALUES (NEW.entity, NEW.entity_id, ${versionOf('NEW.entity', 'NEW.entity_id')},
        CASE NEW.entity WHEN 'user' THEN ${userState('CAST(NEW.entity_id AS INTEGER)')} ELSE ${ROLES_STATE} END);
  END`

/**
 * Makes the database write down every state that it ever commits, in the writer's own transaction, whoever the writer is
 * and whatever becomes of the answer. A transaction that changes several rows leaves a state for each; nobody may ever
 * see any but its last.
 */
export function recordHistory(path: string): void {
  using database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  database.exec(`BEGIN;
    CREATE TABLE soak_history (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, entity_id TEXT NOT NULL, version INTEGER NOT NULL,
      state TEXT);
    INSERT INTO soak_history (entity, entity_id, version, state)
      SELECT 'user', CAST(seeded.user_id AS TEXT), ${versionOf("'user'", 'CAST(seeded.user_id AS TEXT)')},
        ${userState('seeded.user_id')} FROM users seeded ORDER BY seeded.user_id;
    INSERT INTO soak_history (entity, entity_id, version, state)
      VALUES ('role', '*', ${versionOf("'role'", "'*'")}, ${ROLES_STATE});
    ${trigger('soak_version_made', 'INSERT')};
    ${trigger('soak_version_moved', 'UPDATE')};
    COMMIT`)
}

export type ReadCommits = (afterSeq: number) => Commit[]

/** The database has one writer at a time, so `seq` is the order of commits, and whoever reads all above the last misses none. */
export function openHistory(path: string): { read: ReadCommits; close(): void } {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  const page = database.prepare(
    `SELECT seq, entity, entity_id AS entityId, version, state FROM soak_history WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`,
  )
  return { read: (afterSeq) => page.all(afterSeq) as Commit[], close: () => database.close() }
}

/** Everybody whom there is or was, as the tables have them now. */
export function readTables(path: string): Commit[] {
  using database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  return database
    .prepare(
      `SELECT 0 AS seq, 'user' AS entity, v.entity_id AS entityId, SUM(v.version) AS version,
         ${userState('CAST(v.entity_id AS INTEGER)')} AS state
       FROM entity_versions v WHERE v.entity = 'user' GROUP BY v.entity_id`,
    )
    .all() as Commit[]
}
