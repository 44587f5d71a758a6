import type { Effect, Role, RoleCatalogue } from '../../domain/role.ts'
import type { Session, SqlRow, SqlValue } from '../../ports.ts'
import { type Oddities, UNCOUNTED } from './oddities.ts'

/** As they come: another program may have written anything into any column. */
type RoleRow = SqlRow
type PermissionRow = SqlRow & { effect: string }

const MAX_READS = 3

/** The catalogue's version: the sum of its two tables' counters. */
export async function readCatalogueVersion(session: Session): Promise<number> {
  const [row] = await session.query<{ version: number | null }>(
    `SELECT CAST(SUM(version) AS BIGINT) AS version FROM entity_versions WHERE entity = 'role' AND entity_id = '*'`,
  )
  return Number(row?.version ?? 0)
}

/** All roles, read between two looks at the version. `settled` false: it moved at each of MAX_READS attempts. */
export async function readCatalogue(
  session: Session,
  oddities: Oddities = UNCOUNTED,
): Promise<RoleCatalogue & { settled: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const version = await readCatalogueVersion(session)
    const roles = await readRoles(session, oddities)
    const settled = (await readCatalogueVersion(session)) === version
    if (settled || attempt === MAX_READS) return { version, roles, settled }
  }
}

async function readRoles(session: Session, oddities: Oddities): Promise<Role[]> {
  const roles = await session.query<RoleRow>('SELECT role, title, privileged FROM roles ORDER BY role')
  const permissions = await session.query<PermissionRow>(
    'SELECT role, permission, effect FROM role_permissions ORDER BY role, permission',
  )
  const byRole = new Map<string, Role>()
  for (const { role, title, privileged } of roles) {
    if (typeof role !== 'string') {
      oddities.seen('role', '-')
      continue
    }
    if (typeof title !== 'string') oddities.seen('role', role)
    // Without a readable title it is shown by its name: it still gives what it gives.
    const shown = typeof title === 'string' ? title : role
    byRole.set(role, { role, title: shown, privileged: isSet(privileged), permissions: [] })
  }
  for (const { role, permission, effect } of permissions) {
    const holder = typeof role === 'string' ? byRole.get(role) : undefined
    if (holder && typeof permission === 'string') holder.permissions.push({ permission, effect: effectFrom(effect) })
    else oddities.seen('role', typeof role === 'string' ? role : '-')
  }
  return [...byRole.values()]
}

const NO = ['0', 'n', 'f', 'no', 'false', '']

/** Older programs keep flags as 0 and 1, or as `Y` and `N`. What is neither counts as set: the stricter reading. */
function isSet(flag: SqlValue | undefined): boolean {
  return flag !== 0 && flag !== null && flag !== undefined && !NO.includes(String(flag).trim().toLowerCase())
}

/** An effect that this service does not know is the weaker one: a manager has to approve. */
function effectFrom(text: string): Effect {
  return text === 'allow' ? 'allow' : 'approve'
}
