import { isLimitName } from '../../domain/limits.ts'
import { compareGrants, compareText, type User, type UserStatus } from '../../domain/user.ts'
import type { Session } from '../../ports.ts'
import { inList } from './in-list.ts'
import { fromSqlTime } from './time.ts'

type UserRow = {
  user_id: number
  username: string
  employee_number: string | null
  given_name: string
  family_name: string
  email: string | null
  phone: string | null
  job_title: string | null
  status: string
  home_branch_id: string | null
  created_at: string
  updated_at: string
}
type BranchRow = { user_id: number; branch_id: string }
type GrantRow = { user_id: number; role: string; branch_id: string | null }
type LimitRow = { user_id: number; limit_name: string; limit_value: number }
type PreferenceRow = { user_id: number; preference_key: string; preference_value: string }

const USER_COLUMNS = `user_id, username, employee_number, given_name, family_name, email, phone, job_title, status,
  home_branch_id, created_at, updated_at`

/** The sum of each user's counters, by user id. Who has no counters never existed: absent from the answer. */
export async function readVersions(session: Session, userIds: number[]): Promise<Map<number, number>> {
  const ids = inList(userIds.map(String))
  const rows = await session.query<{ entity_id: string; version: number }>(
    `SELECT entity_id, SUM(version) AS version FROM entity_versions
     WHERE entity = 'user' AND entity_id IN ${ids.sql} GROUP BY entity_id`,
    ids.params,
  )
  return new Map(rows.map((row) => [Number(row.entity_id), Number(row.version)]))
}

/** The users' rows of all five tables, put together, with version 0: the caller knows under which version it read them. */
export async function readUserRows(session: Session, userIds: number[]): Promise<Map<number, User>> {
  const ids = inList(userIds)
  const [users, branches, grants, limits, preferences] = await Promise.all([
    session.query<UserRow>(`SELECT ${USER_COLUMNS} FROM users WHERE user_id IN ${ids.sql}`, ids.params),
    session.query<BranchRow>(`SELECT user_id, branch_id FROM user_branches WHERE user_id IN ${ids.sql}`, ids.params),
    session.query<GrantRow>(`SELECT user_id, role, branch_id FROM user_roles WHERE user_id IN ${ids.sql}`, ids.params),
    session.query<LimitRow>(
      `SELECT user_id, limit_name, limit_value FROM user_limits WHERE user_id IN ${ids.sql}`,
      ids.params,
    ),
    session.query<PreferenceRow>(
      `SELECT user_id, preference_key, preference_value FROM user_preferences WHERE user_id IN ${ids.sql}`,
      ids.params,
    ),
  ])
  const found = new Map(users.map((row) => [row.user_id, userFrom(row)]))
  for (const row of branches) found.get(row.user_id)?.branches.push(row.branch_id)
  for (const row of grants) found.get(row.user_id)?.roles.push({ role: row.role, branchId: row.branch_id })
  for (const row of sorted(limits, 'limit_name')) {
    const user = found.get(row.user_id)
    if (user && isLimitName(row.limit_name)) user.limits[row.limit_name] = row.limit_value
  }
  for (const row of sorted(preferences, 'preference_key')) {
    const user = found.get(row.user_id)
    if (user) user.preferences[row.preference_key] = row.preference_value
  }
  for (const user of found.values()) {
    user.branches.sort(compareText)
    user.roles.sort(compareGrants)
  }
  return found
}

function userFrom(row: UserRow): User {
  return {
    id: row.user_id,
    username: row.username,
    employeeNumber: row.employee_number,
    givenName: row.given_name,
    familyName: row.family_name,
    email: row.email,
    phone: row.phone,
    jobTitle: row.job_title,
    status: statusFrom(row.status),
    homeBranchId: row.home_branch_id,
    branches: [],
    roles: [],
    limits: {},
    // No prototype: a key such as __proto__, which an older program may have written, is a key like any other.
    preferences: Object.create(null),
    createdAt: fromSqlTime(row.created_at),
    updatedAt: fromSqlTime(row.updated_at),
    version: 0,
  }
}

/** A status that this service does not know lets nobody do anything: it reads as suspended. */
function statusFrom(text: string): UserStatus {
  return text === 'active' || text === 'terminated' ? text : 'suspended'
}

function sorted<Row extends Record<Key, string>, Key extends string>(rows: Row[], key: Key): Row[] {
  return rows.sort((a, b) => compareText(a[key], b[key]))
}
