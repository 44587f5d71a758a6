import type { RoleCatalogue } from '../../src/domain/role.ts'
import { compareText, type Grant, type User } from '../../src/domain/user.ts'

/**
 * A user as the database had it at `version`, and the body that every answer which shows that version must have: to those
 * who may see what is personal, and, `bare`, to those who may not.
 */
export type State = { version: number; seq: number; user: User | null; body: string | null; bare: string | null }

type Rows = Omit<User, 'id' | 'version'> & { userId: number }

/** Said again here, apart from the service's own code, so that both are not wrong in the same way. */
export function stateFrom(seq: number, version: number, text: string | null): State {
  if (text === null) return { version, seq, user: null, body: null, bare: null }
  const { userId, ...rows } = JSON.parse(text) as Rows
  const user: User = {
    id: userId,
    username: rows.username,
    employeeNumber: rows.employeeNumber,
    givenName: rows.givenName,
    familyName: rows.familyName,
    email: rows.email,
    phone: rows.phone,
    jobTitle: rows.jobTitle,
    status: rows.status,
    homeBranchId: rows.homeBranchId,
    branches: rows.branches.toSorted(compareText),
    roles: rows.roles.toSorted(byRoleAndBranch),
    limits: sortedByKey(rows.limits),
    preferences: sortedByKey(rows.preferences),
    createdAt: timestamp(rows.createdAt),
    updatedAt: timestamp(rows.updatedAt),
    version,
  }
  const { id, ...shown } = user
  const full = { userId: id, ...shown }
  const { employeeNumber: _number, email: _email, phone: _phone, ...bare } = full
  return { version, seq, user, body: JSON.stringify(full), bare: JSON.stringify(bare) }
}

/** As somebody sees it who may not see what is personal: they must be shown the other body. */
export function withoutPersonal(state: State): State {
  return { ...state, body: state.bare }
}

export function catalogueFrom(version: number, text: string | null): RoleCatalogue {
  const roles = JSON.parse(text ?? '[]') as { role: string; title: string; privileged: number; permissions: never[] }[]
  return { version, roles: roles.map((role) => ({ ...role, privileged: role.privileged !== 0 })) }
}

function byRoleAndBranch(a: Grant, b: Grant): number {
  return compareText(a.role, b.role) || compareText(a.branchId ?? '', b.branchId ?? '')
}

function sortedByKey<Values extends object>(values: Values): Values {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => compareText(a, b))) as Values
}

const timestamp = (column: string) => `${column.replace(' ', 'T')}Z`
