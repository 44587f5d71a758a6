/** What a caller may be allowed to do. Names are those of the tokens' `scope` claim (RFC 8693 section 4.2). */
export const SCOPES = ['users:read', 'users:pii', 'users:write', 'roles:write', 'users:audit', 'operate'] as const
export type Scope = (typeof SCOPES)[number]

/** What each scope opens, in a sentence, for the documentation. */
export const SCOPE_MEANINGS = {
  'users:read': 'Read users, rosters, permissions and roles.',
  'users:pii': 'Beside another scope: see and set e-mail, phone and employee number.',
  'users:write': 'Change users, their branches, roles, limits and preferences.',
  'roles:write': 'Change the role catalogue.',
  'users:audit': 'Read who has changed what.',
  operate: 'Set breakers and routes of the legacy application.',
} as const satisfies Record<Scope, string>

/** Who asks, as somebody whom we trust has said. */
export type Principal = {
  /** One text for one caller, as long as this process lives: what is counted by caller is counted by this. */
  key: string
  /** The token's `sub`. */
  subject: string
  /** The program that asks for them, where the token names it. */
  client: string | null
  scopes: ReadonlySet<Scope>
  /** Writes are limited to people of these branches; null: they are not. */
  branches: readonly string[] | null
  /** Which user of this service the caller is, where the token says so. */
  userId: number | null
}

const BETWEEN = '\u0000'
export function principalKey({ subject, client }: Pick<Principal, 'subject' | 'client'>): string {
  return `${client ?? ''}${BETWEEN}${subject}`
}
