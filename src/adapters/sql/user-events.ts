import type { UserEvent } from '../../domain/events.ts'
import type { Details, User } from '../../domain/user.ts'
import type { Session, SqlValue } from '../../ports.ts'
import { toSqlTime } from './time.ts'

type Change = Exclude<UserEvent, { type: 'user-registered' }>

const DETAIL_COLUMNS = {
  username: 'username',
  employeeNumber: 'employee_number',
  givenName: 'given_name',
  familyName: 'family_name',
  email: 'email',
  phone: 'phone',
  jobTitle: 'job_title',
} as const satisfies Record<keyof Details, string>

/**
 * Writes a user's events as rows, in the one order that all commands keep: users first (updated_at moves with every
 * command), then the event's own table. Answers how many counters the triggers have bumped: one a row changed.
 */
export async function writeUserEvents(
  session: Session,
  { id, updatedAt }: Pick<User, 'id' | 'updatedAt'>,
  events: Change[],
): Promise<number> {
  const [first] = events
  if (!first) return 0
  const columns: Record<string, SqlValue> = {}
  // The second command of one millisecond would write the time that is there: no trigger fires for what does not change.
  if (first.at !== updatedAt) columns.updated_at = toSqlTime(first.at)
  for (const event of events) Object.assign(columns, usersColumns(event))
  let bumps = await updateUsersRow(session, id, columns)
  for (const event of events) bumps += await writeOwnTable(session, id, event)
  return bumps
}

async function updateUsersRow(session: Session, userId: number, columns: Record<string, SqlValue>): Promise<number> {
  const names = Object.keys(columns)
  if (names.length === 0) return 0
  return session.execute(`UPDATE users SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE user_id = ?`, [
    ...Object.values(columns),
    userId,
  ])
}

/** What an event changes in the users row itself. */
function usersColumns(event: Change): Record<string, SqlValue> {
  switch (event.type) {
    case 'details-changed':
      return detailColumns(event.changes)
    case 'user-suspended':
      return { status: 'suspended' }
    case 'user-reinstated':
      return { status: 'active' }
    case 'user-terminated':
      return { status: 'terminated' }
    case 'home-branch-changed':
      return { home_branch_id: event.branchId }
    default:
      return {}
  }
}

export function detailColumns(details: Partial<Details>): Record<string, SqlValue> {
  const columns: Record<string, SqlValue> = {}
  for (const [field, column] of Object.entries(DETAIL_COLUMNS)) {
    const value = details[field as keyof Details]
    if (value !== undefined) columns[column] = value
  }
  return columns
}

async function writeOwnTable(session: Session, userId: number, event: Change): Promise<number> {
  switch (event.type) {
    case 'branch-assigned':
      return session.execute('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', [userId, event.branchId])
    case 'branch-unassigned':
      return session.execute('DELETE FROM user_branches WHERE user_id = ? AND branch_id = ?', [userId, event.branchId])
    case 'role-granted':
      return session.execute('INSERT INTO user_roles (user_id, role, branch_id) VALUES (?, ?, ?)', [
        userId,
        event.role,
        event.branchId,
      ])
    case 'role-revoked':
      return event.branchId === null
        ? session.execute('DELETE FROM user_roles WHERE user_id = ? AND role = ? AND branch_id IS NULL', [
            userId,
            event.role,
          ])
        : session.execute('DELETE FROM user_roles WHERE user_id = ? AND role = ? AND branch_id = ?', [
            userId,
            event.role,
            event.branchId,
          ])
    case 'limit-set':
      return replace(session, LIMITS_TABLE, userId, event.limit, event.value)
    case 'limit-removed':
      return session.execute('DELETE FROM user_limits WHERE user_id = ? AND limit_name = ?', [userId, event.limit])
    case 'preference-set':
      return replace(session, PREFERENCES_TABLE, userId, event.key, event.value)
    case 'preference-removed':
      return session.execute('DELETE FROM user_preferences WHERE user_id = ? AND preference_key = ?', [
        userId,
        event.key,
      ])
    default:
      return 0
  }
}

type KeyedTable = { update: string; insert: string }
const LIMITS_TABLE: KeyedTable = {
  update: 'UPDATE user_limits SET limit_value = ? WHERE user_id = ? AND limit_name = ?',
  insert: 'INSERT INTO user_limits (limit_value, user_id, limit_name) VALUES (?, ?, ?)',
}
const PREFERENCES_TABLE: KeyedTable = {
  update: 'UPDATE user_preferences SET preference_value = ? WHERE user_id = ? AND preference_key = ?',
  insert: 'INSERT INTO user_preferences (preference_value, user_id, preference_key) VALUES (?, ?, ?)',
}

/** Update, else insert: the databases share no upsert. The users row is locked, so nobody of ours comes in between. */
async function replace(session: Session, table: KeyedTable, userId: number, key: string, value: SqlValue) {
  const params = [value, userId, key]
  const updated = await session.execute(table.update, params)
  return updated > 0 ? updated : session.execute(table.insert, params)
}
