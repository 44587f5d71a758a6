import type { VersionBumps } from '../../ports/jobs.ts'
import type { Database, Session } from '../../ports.ts'
import { ROLE_SOURCES, USER_SOURCES } from './reference.ts'
import { readCatalogueVersion } from './role-rows.ts'
import { readVersions } from './user-rows.ts'

type Entity = { name: 'user' | 'role'; id: string }

/** Does by hand what the triggers do, in one transaction: counter and change row. */
export function sqlVersionBumps(database: Database): VersionBumps {
  return {
    user: (userId, version) =>
      database.transaction(async (session) => {
        // Data row first, then counter: the order of everybody's locks. It changes nothing, and so fires nothing.
        await session.execute('UPDATE users SET status = status WHERE user_id = ?', [userId])
        if (((await readVersions(session, [userId])).get(userId) ?? 0) !== version) return false
        await bump(database, session, { name: 'user', id: String(userId) }, USER_SOURCES)
        return true
      }),
    roles: (version) =>
      database.transaction(async (session) => {
        if ((await readCatalogueVersion(session)) !== version) return false
        await bump(database, session, { name: 'role', id: '*' }, ROLE_SOURCES)
        return true
      }),
  }
}

async function bump(database: Database, session: Session, { name, id }: Entity, sources: string[]): Promise<void> {
  const { dialect } = database
  const counted = await session.execute(
    `UPDATE entity_versions SET version = version + 1, changed_at = ${dialect.utcNow}
     WHERE entity = ? AND entity_id = ? AND source = ?`,
    [name, id, sources[0] ?? ''],
  )
  if (counted === 0) await beginCounting(database, session, { name, id }, sources)
  await session.execute(`INSERT INTO entity_changes (entity, entity_id, changed_at) VALUES (?, ?, ${dialect.utcNow})`, [
    name,
    id,
  ])
}

/** Its triggers were not there, or were off, when it was made. */
async function beginCounting({ dialect }: Database, session: Session, { name, id }: Entity, sources: string[]) {
  const counted = await session.query<{ source: string }>(
    'SELECT source FROM entity_versions WHERE entity = ? AND entity_id = ?',
    [name, id],
  )
  for (const source of sources) {
    if (counted.some((row) => row.source === source)) continue
    await session.execute(
      `INSERT INTO entity_versions (entity, entity_id, source, version, changed_at) VALUES (?, ?, ?, 1, ${dialect.utcNow})`,
      [name, id, source],
    )
  }
}
