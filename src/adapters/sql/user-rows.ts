import { isLimitName } from '../../domain/limits.ts'
import { compareGrants, compareText, USER_STATUSES, type User, type UserStatus } from '../../domain/user.ts'
import type { Session, SqlValue } from '../../ports.ts'
import { inList } from './in-list.ts'
import { type Oddities, UNCOUNTED } from './oddities.ts'
import { fromSqlTime, UNREADABLE_TIME } from './time.ts'

/** As they come: whatever the schema says, another program may have written something else into any column. */
type Cell = SqlValue | Uint8Array
type UserRow = { user_id: number } & Record<(typeof COLUMNS)[number], Cell>
type BranchRow = { user_id: number; branch_id: Cell }
type GrantRow = { user_id: number; role: Cell; branch_id: Cell }
type LimitRow = { user_id: number; limit_name: Cell; limit_value: Cell }
type PreferenceRow = { user_id: number; preference_key: Cell; preference_value: Cell }

const COLUMNS = [
  ...(['username', 'employee_number', 'given_name', 'family_name', 'email', 'phone', 'job_title'] as const),
  ...(['status', 'home_branch_id', 'created_at', 'updated_at'] as const),
] as const

/**
 * What is left of bytes that were no text of the database's code set (U+FFFD, SUB), or of one code page read as another (C1
 * controls, which nobody writes). Shown as it is: nobody here knows what it was.
 */
const SPOILT = /[\ufffd\u001a\u0080-\u009f]/

/** The sum of each user's counters, by user id. Who has no counters never existed: absent from the answer. */
export async function readVersions(session: Session, userIds: number[]): Promise<Map<number, number>> {
  const ids = inList(userIds.map(String))
  const rows = await session.query<{ entity_id: string; version: number }>(
    `SELECT entity_id, CAST(SUM(version) AS BIGINT) AS version FROM entity_versions
     WHERE entity = 'user' AND entity_id IN ${ids.sql} GROUP BY entity_id`,
    ids.params,
  )
  return new Map(rows.map((row) => [Number(row.entity_id), Number(row.version)]))
}

/**
 * The users' rows of all five tables, put together, with version 0: the caller knows under which version it read them.
 * What other programs wrote and the domain cannot hold is left out, or read as what docs/decisions/0012 says, and counted.
 */
export async function readUserRows(
  session: Session,
  userIds: number[],
  oddities: Oddities = UNCOUNTED,
): Promise<Map<number, User>> {
  const ids = inList(userIds)
  const select = <Row>(columns: string, table: string): Promise<Row[]> =>
    // A cell may be of any type, which a row of the port may not.
    session.query(`SELECT user_id, ${columns} FROM ${table} WHERE user_id IN ${ids.sql}`, ids.params) as Promise<
      unknown[]
    > as Promise<Row[]>
  const [users, branches, grants, limits, preferences] = await Promise.all([
    select<UserRow>(COLUMNS.join(', '), 'users'),
    select<BranchRow>('branch_id', 'user_branches'),
    select<GrantRow>('role, branch_id', 'user_roles'),
    select<LimitRow>('limit_name, limit_value', 'user_limits'),
    select<PreferenceRow>('preference_key, preference_value', 'user_preferences'),
  ])
  const found = new Map(users.map((row) => [row.user_id, userFrom(row, oddities)]))
  for (const { user_id: id, branch_id: branchId } of branches) {
    if (typeof branchId === 'string' && branchId.trim() !== '') found.get(id)?.branches.push(branchId)
    else oddities.seen('branch', id)
  }
  for (const { user_id: id, role, branch_id: branchId } of grants) {
    // An empty branch may stand for everywhere: nobody is given that by a guess.
    if (typeof role === 'string' && isTextOrNull(branchId) && branchId?.trim() !== '')
      found.get(id)?.roles.push({ role, branchId })
    else oddities.seen('grant', id)
  }
  addLimits(found, limits, oddities)
  addPreferences(found, preferences, oddities)
  for (const user of found.values()) {
    user.branches.sort(compareText)
    user.roles.sort(compareGrants)
  }
  return found
}

/** A limit of another program's own is none of ours, and no oddity. */
function addLimits(users: Map<number, User>, rows: LimitRow[], oddities: Oddities): void {
  for (const { user_id: id, limit_name: name, limit_value: value } of sorted(rows, 'limit_name')) {
    const user = users.get(id)
    if (!user || typeof name !== 'string' || !isLimitName(name)) continue
    if (typeof value === 'number' && Number.isSafeInteger(value)) user.limits[name] = value
    else oddities.seen('limit', id)
  }
}

function addPreferences(users: Map<number, User>, rows: PreferenceRow[], oddities: Oddities): void {
  for (const { user_id: id, preference_key: key, preference_value: value } of sorted(rows, 'preference_key')) {
    const user = users.get(id)
    if (user && typeof key === 'string' && typeof value === 'string') user.preferences[key] = value
    else oddities.seen('preference', id)
  }
}

function userFrom(row: UserRow, oddities: Oddities): User {
  const id = row.user_id
  const text = (cell: Cell): string | null => {
    if (typeof cell === 'string' && SPOILT.test(cell)) oddities.seen('encoding', id)
    if (isTextOrNull(cell)) return cell
    oddities.seen('text', id)
    return null
  }
  /** Older programs write an empty text, or blanks, where there is nothing. */
  const nullable = (cell: Cell): string | null => {
    if (typeof cell !== 'string' || cell.trim() !== '') return text(cell)
    oddities.seen('empty', id)
    return null
  }
  const time = (cell: Cell): string => {
    const read = typeof cell === 'string' ? fromSqlTime(cell) : null
    if (read === null) oddities.seen('time', id)
    return read ?? UNREADABLE_TIME
  }
  if (!USER_STATUSES.some((status) => status === row.status)) oddities.seen('status', id)
  return {
    id,
    username: text(row.username) ?? '',
    employeeNumber: nullable(row.employee_number),
    givenName: text(row.given_name) ?? '',
    familyName: text(row.family_name) ?? '',
    email: nullable(row.email),
    phone: nullable(row.phone),
    jobTitle: nullable(row.job_title),
    status: statusFrom(row.status),
    homeBranchId: nullable(row.home_branch_id),
    branches: [],
    roles: [],
    limits: {},
    // No prototype: a key such as __proto__, which an older program may have written, is a key like any other.
    preferences: Object.create(null),
    createdAt: time(row.created_at),
    updatedAt: time(row.updated_at),
    version: 0,
  }
}

/** A status that this service does not know lets nobody do anything: it reads as suspended. */
function statusFrom(cell: Cell): UserStatus {
  return cell === 'active' || cell === 'terminated' ? cell : 'suspended'
}

function isTextOrNull(cell: Cell): cell is string | null {
  return cell === null || typeof cell === 'string'
}

function sorted<Row extends Record<Key, Cell>, Key extends string>(rows: Row[], key: Key): Row[] {
  return rows.sort((a, b) => compareText(String(a[key]), String(b[key])))
}
