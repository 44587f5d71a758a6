import { DomainError } from '../../domain/errors.ts'
import type { Role, RoleEvent } from '../../domain/role.ts'
import type { Database, RoleStore, Session, SqlValue } from '../../ports.ts'
import { type AuditOptions, NO_EVENTS, writeAudit } from './audit.ts'
import { isSqlError } from './errors.ts'
import { readCatalogue, readCatalogueVersion } from './role-rows.ts'

/** Each finds that somebody else has defined the same new role in just that moment. */
const MAX_ATTEMPTS = 3

type Writing = AuditOptions & { database: Database }
type Update = Parameters<RoleStore['update']>

/** Commands on the role catalogue, which is one entity with one version. */
export function sqlRoleStore(database: Database, { events }: AuditOptions = NO_EVENTS): RoleStore {
  return {
    async update(...command) {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        try {
          const once = (session: Session) => updateOnce({ database, events }, session, command)
          return { version: await database.transaction(once, { certain: true }), visible: true }
        } catch (error) {
          if (!(error instanceof OvertakenError)) throw error
        }
      }
      throw new DomainError('busy', 'Others are defining the same role.')
    },
  }
}

async function updateOnce({ database, events }: Writing, session: Session, [role, context, decide]: Update) {
  // Locks the role's row, as a grant's foreign key check does: the count below stays true until the commit.
  await session.execute('UPDATE roles SET title = title WHERE role = ?', [role])
  const catalogue = await readCatalogue(session)
  const happened = decide(catalogue, await countHolders(database, session, role))
  if (happened.length === 0) return catalogue.version
  if (context.expectedVersions !== null && !context.expectedVersions.includes(catalogue.version)) {
    throw new DomainError('version-conflict', `The catalogue is at version ${catalogue.version}.`)
  }
  for (const event of happened) await writeRoleEvent(session, event)
  const entity = { name: 'role', id: role } as const
  const before = catalogue.roles.find((one) => one.role === role) ?? null
  await writeAudit(session, { dialect: database.dialect, entity, before, happened, by: context.by, events })
  return readCatalogueVersion(session)
}

async function countHolders(database: Database, session: Session, role: string): Promise<number> {
  const rows = await session.query(`SELECT user_id FROM user_roles WHERE role = ? ${database.dialect.limit(1)}`, [role])
  return rows.length
}

async function writeRoleEvent(session: Session, event: RoleEvent): Promise<void> {
  if (event.type === 'role-defined') return defineRole(session, event.role)
  try {
    await session.execute('DELETE FROM role_permissions WHERE role = ?', [event.role])
    await session.execute('DELETE FROM roles WHERE role = ?', [event.role])
  } catch (error) {
    if (isSqlError(error, 'missing-parent'))
      throw new DomainError('role-in-use', 'The role has just been granted.', '/role')
    throw error
  }
}

async function defineRole(session: Session, { role, title, privileged, permissions }: Role): Promise<void> {
  const params = [title, privileged ? 1 : 0, role]
  const updated = await session.execute('UPDATE roles SET title = ?, privileged = ? WHERE role = ?', params)
  if (updated === 0) await insertRole(session, params)
  await session.execute('DELETE FROM role_permissions WHERE role = ?', [role])
  for (const { permission, effect } of permissions) {
    await session.execute('INSERT INTO role_permissions (role, permission, effect) VALUES (?, ?, ?)', [
      role,
      permission,
      effect,
    ])
  }
}

/** Where there was no row, nothing was locked. */
async function insertRole(session: Session, params: SqlValue[]): Promise<void> {
  try {
    await session.execute('INSERT INTO roles (title, privileged, role) VALUES (?, ?, ?)', params)
  } catch (error) {
    throw isSqlError(error, 'duplicate') ? new OvertakenError() : error
  }
}

/** What was decided was decided on a role that is no longer so. */
class OvertakenError extends Error {
  constructor() {
    super('overtaken by another writer')
    this.name = 'OvertakenError'
  }
}
