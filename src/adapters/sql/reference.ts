/** What a column holds, as the statements take it. `text` of at most 255 bytes, unless another number stands behind it. */
export type ColumnKind = 'id' | 'integer' | 'flag' | 'time' | 'text' | 'long-text'
/** `entity`: whose version counts the table's changes; `id`: the column that names whose, null for the one catalogue. */
export type ReferenceTable = {
  entity: 'user' | 'role'
  id: string | null
  columns: Readonly<Record<string, ColumnKind>>
}

/** The tables that TRS and its older programs own, under the names that the statements say (design, section 2). */
export const REFERENCE = {
  users: {
    entity: 'user',
    id: 'user_id',
    columns: {
      user_id: 'id',
      username: 'text',
      employee_number: 'text',
      given_name: 'text',
      family_name: 'text',
      email: 'text',
      phone: 'text',
      job_title: 'text',
      status: 'text',
      home_branch_id: 'text',
      created_at: 'time',
      updated_at: 'time',
    },
  },
  user_branches: { entity: 'user', id: 'user_id', columns: { user_id: 'id', branch_id: 'text' } },
  user_roles: { entity: 'user', id: 'user_id', columns: { user_id: 'id', role: 'text', branch_id: 'text' } },
  user_limits: {
    entity: 'user',
    id: 'user_id',
    columns: { user_id: 'id', limit_name: 'text', limit_value: 'integer' },
  },
  user_preferences: {
    entity: 'user',
    id: 'user_id',
    columns: { user_id: 'id', preference_key: 'text', preference_value: 'long-text' },
  },
  roles: { entity: 'role', id: null, columns: { role: 'text', title: 'text', privileged: 'flag' } },
  role_permissions: { entity: 'role', id: null, columns: { role: 'text', permission: 'text', effect: 'text' } },
} as const satisfies Readonly<Record<string, ReferenceTable>>

export type ReferenceName = keyof typeof REFERENCE
export const REFERENCE_TABLES = Object.entries(REFERENCE) as [ReferenceName, ReferenceTable][]

/** The tables that count into a user's version, the users table first. */
export const USER_SOURCES = REFERENCE_TABLES.filter(([, { entity }]) => entity === 'user').map(([name]) => name)
export const ROLE_SOURCES = REFERENCE_TABLES.filter(([, { entity }]) => entity === 'role').map(([name]) => name)
