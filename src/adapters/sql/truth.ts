import { MAX_USER_ID, normaliseUsername } from '../../domain/user.ts'
import type { Dialect, Session, SqlValue, TrueUser, Truth, UserFilter } from '../../ports.ts'
import { isSqlError } from './errors.ts'
import { type Oddities, UNCOUNTED } from './oddities.ts'
import { readCatalogue, readCatalogueVersion } from './role-rows.ts'
import { readUserRows, readVersions } from './user-rows.ts'
import { holdersOf } from './usernames.ts'

const MAX_READS = 3
/** Another program may have numbered somebody beyond what a JSON number carries: no user of this service. */
const OF_A_USER = `BETWEEN 1 AND ${MAX_USER_ID}`
const isOfAUser = (id: unknown): boolean => typeof id === 'number' && id >= 1 && id <= MAX_USER_ID

/**
 * Reads the database. `point` answers what is short; `scan` what may take long (on an embedded database in a thread of
 * its own).
 */
export function sqlTruth({
  point,
  scan,
  dialect,
  oddities = UNCOUNTED,
}: {
  point: Session
  scan: Pick<Session, 'query'>
  dialect: Dialect
  oddities?: Oddities
}): Truth {
  return {
    user: async (userId) => firstOf(await readUsers(point, [userId], oddities)),
    users: (userIds) => readUsers(point, userIds, oddities),
    versions: async (userIds) => {
      const versions = await readVersions(point, userIds)
      return new Map(userIds.map((userId) => [userId, versions.get(userId) ?? 0]))
    },
    userIdByUsername: async (username) => {
      const wanted = normaliseUsername(username)
      const rows = await holdersOf(point, dialect, username)
      return rows.find((row) => isOfAUser(row.user_id) && normaliseUsername(row.username) === wanted)?.user_id ?? null
    },
    userIds: async (filter, afterId, limit) => {
      const { sql, params } = filteredIds(filter, afterId)
      const rows = await scan.query<{ user_id: number }>(`${sql} ${dialect.limit(limit)}`, params)
      return rows.map((row) => row.user_id)
    },
    countUsers: async () => {
      const [row] = await scan.query<{ n: number }>('SELECT COUNT(*) AS n FROM users')
      return Number(row?.n ?? 0)
    },
    lastUserId: async () => {
      const [row] = await point.query<{ id: number | null }>('SELECT MAX(user_id) AS id FROM users')
      return Number(row?.id ?? 0)
    },
    roles: () => readCatalogue(point, oddities),
    rolesVersion: () => readCatalogueVersion(point),
    usersChangedSince: async (since, afterId, limit, until = null) => {
      const { sql, params } = changedIds(since, until, afterId)
      const rows = await scan.query<{ id: number }>(`${sql} ${dialect.limit(limit)}`, params)
      return rows.map((row) => Number(row.id))
    },
    now: async () => {
      const [row] = await point.query<{ now: string }>(`SELECT ${dialect.utcNow} AS now FROM service_epoch`)
      if (!row) throw new Error('service_epoch has no row: the database is not set up')
      return row.now
    },
  }
}

/**
 * Version, rows, version: what moved meanwhile is read again, at most MAX_READS times, and then never stored. When the
 * rows of many cannot be read for what stands in them, each is read alone: one user's rows fail nobody else.
 */
export async function readUsers(
  session: Session,
  userIds: number[],
  oddities: Oddities = UNCOUNTED,
): Promise<TrueUser[]> {
  try {
    return await readTogether(session, userIds, oddities)
  } catch (error) {
    const distinct = [...new Set(userIds)]
    if (distinct.length < 2 || !isSqlError(error, 'other')) throw error
    const answers = new Map<number, TrueUser>()
    for (const userId of distinct) answers.set(userId, await readAlone(session, userId, oddities))
    return userIds.map((userId) => answers.get(userId) ?? unreadable(userId))
  }
}

async function readAlone(session: Session, userId: number, oddities: Oddities): Promise<TrueUser> {
  try {
    return firstOf(await readTogether(session, [userId], oddities))
  } catch (error) {
    if (!isSqlError(error, 'other')) throw error
    return unreadable(userId)
  }
}

function unreadable(userId: number): TrueUser {
  return { userId, version: 0, user: null, settled: false, unreadable: true }
}

async function readTogether(session: Session, userIds: number[], oddities: Oddities): Promise<TrueUser[]> {
  const answers = new Map<number, TrueUser>()
  let pending = [...new Set(userIds)]
  for (let attempt = 1; pending.length > 0; attempt += 1) {
    const before = await readVersions(session, pending)
    const rows = await readUserRows(session, pending, oddities)
    const after = await readVersions(session, pending)
    for (const userId of pending) {
      const version = before.get(userId) ?? 0
      const user = rows.get(userId) ?? null
      if (user) user.version = version
      answers.set(userId, { userId, version, user, settled: after.get(userId) === before.get(userId) })
    }
    pending = attempt === MAX_READS ? [] : pending.filter((userId) => !answers.get(userId)?.settled)
  }
  return userIds.map((userId) => answers.get(userId) ?? { userId, version: 0, user: null, settled: true })
}

function firstOf(users: TrueUser[]): TrueUser {
  const [user] = users
  if (!user) throw new RangeError('asked for no user')
  return user
}

/** Subselects rather than joins: each filter alone has an index, and no row comes twice. */
function filteredIds({ branchId, role, status }: UserFilter, afterId: number): { sql: string; params: SqlValue[] } {
  const where = ['user_id > ?', `user_id ${OF_A_USER}`]
  const params: SqlValue[] = [afterId]
  if (branchId !== null) {
    where.push('user_id IN (SELECT user_id FROM user_branches WHERE branch_id = ?)')
    params.push(branchId)
  }
  if (role !== null) {
    where.push('user_id IN (SELECT user_id FROM user_roles WHERE role = ?)')
    params.push(role)
  }
  if (status !== null) {
    where.push('status = ?')
    params.push(status)
  }
  return { sql: `SELECT user_id FROM users WHERE ${where.join(' AND ')} ORDER BY user_id`, params }
}

/** Ids are text in entity_versions (the catalogue's is '*'), so the order that paging needs is that of the number. */
function changedIds(since: string, until: string | null, afterId: number): { sql: string; params: SqlValue[] } {
  return {
    sql: `SELECT DISTINCT CAST(entity_id AS BIGINT) AS id FROM entity_versions
     WHERE entity = 'user' AND changed_at >= ?${until === null ? '' : ' AND changed_at <= ?'}
       AND CAST(entity_id AS BIGINT) > ? AND CAST(entity_id AS BIGINT) ${OF_A_USER} ORDER BY 1`,
    params: until === null ? [since, afterId] : [since, until, afterId],
  }
}
