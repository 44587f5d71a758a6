import { DomainError } from '../../domain/errors.ts'
import type { Role, RoleEvent } from '../../domain/role.ts'
import type { Database, RoleStore, Session } from '../../ports.ts'
import { type AuditOptions, NO_EVENTS, writeAudit } from './audit.ts'
import { isSqlError } from './errors.ts'
import { readCatalogue, readCatalogueVersion } from './role-rows.ts'

/** Commands on the role catalogue, which is one entity with one version. */
export function sqlRoleStore(database: Database, options: AuditOptions = NO_EVENTS): RoleStore {
  return {
    update: async (role, context, decide) =>
      database.transaction(
        async (session) => {
          // Locks the role's row, as a grant's foreign key check does: the count below stays true until the commit.
          await session.execute('UPDATE roles SET title = title WHERE role = ?', [role])
          const catalogue = await readCatalogue(session)
          const events = decide(catalogue, await countHolders(database, session, role))
          if (events.length === 0) return { version: catalogue.version, visible: true }
          if (context.expectedVersions !== null && !context.expectedVersions.includes(catalogue.version)) {
            throw new DomainError('version-conflict', `The catalogue is at version ${catalogue.version}.`)
          }
          for (const event of events) await writeRoleEvent(session, event)
          const entity = { name: 'role', id: role } as const
          const { dialect } = database
          await writeAudit(session, { dialect, entity, happened: events, by: context.by, ...options })
          return { version: await readCatalogueVersion(session), visible: true }
        },
        { certain: true },
      ),
  }
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
  if (updated === 0) await session.execute('INSERT INTO roles (title, privileged, role) VALUES (?, ?, ?)', params)
  await session.execute('DELETE FROM role_permissions WHERE role = ?', [role])
  for (const { permission, effect } of permissions) {
    await session.execute('INSERT INTO role_permissions (role, permission, effect) VALUES (?, ?, ?)', [
      role,
      permission,
      effect,
    ])
  }
}
