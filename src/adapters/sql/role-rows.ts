import type { Effect, Role, RoleCatalogue } from '../../domain/role.ts'
import type { Session } from '../../ports.ts'

type RoleRow = { role: string; title: string; privileged: number }
type PermissionRow = { role: string; permission: string; effect: string }

const MAX_READS = 3

/** The catalogue's version: the sum of its two tables' counters. */
export async function readCatalogueVersion(session: Session): Promise<number> {
  const [row] = await session.query<{ version: number | null }>(
    `SELECT SUM(version) AS version FROM entity_versions WHERE entity = 'role' AND entity_id = '*'`,
  )
  return Number(row?.version ?? 0)
}

/** All roles, read between two looks at the version. `settled` false: it moved at each of MAX_READS attempts. */
export async function readCatalogue(session: Session): Promise<RoleCatalogue & { settled: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const version = await readCatalogueVersion(session)
    const roles = await readRoles(session)
    const settled = (await readCatalogueVersion(session)) === version
    if (settled || attempt === MAX_READS) return { version, roles, settled }
  }
}

async function readRoles(session: Session): Promise<Role[]> {
  const roles = await session.query<RoleRow>('SELECT role, title, privileged FROM roles ORDER BY role')
  const permissions = await session.query<PermissionRow>(
    'SELECT role, permission, effect FROM role_permissions ORDER BY role, permission',
  )
  const byRole = new Map<string, Role>(
    roles.map((row) => [
      row.role,
      { role: row.role, title: row.title, privileged: row.privileged !== 0, permissions: [] },
    ]),
  )
  for (const { role, permission, effect } of permissions) {
    byRole.get(role)?.permissions.push({ permission, effect: effectFrom(effect) })
  }
  return [...byRole.values()]
}

/** An effect that this service does not know is the weaker one: a manager has to approve. */
function effectFrom(text: string): Effect {
  return text === 'allow' ? 'allow' : 'approve'
}
