import type { TestService } from '../support/service.ts'

const COUNTS = ['users', 'user_branches', 'user_roles', 'user_limits', 'user_preferences', 'roles', 'role_permissions']

/** All that a write would move: rows, versions, changes ever made (the feed deletes them), audit and keys. */
export function written({ query }: Pick<TestService, 'query'>): Record<string, unknown> {
  const one = (sql: string) => query(sql)[0]?.n
  return {
    rows: Object.fromEntries(COUNTS.map((table) => [table, one(`SELECT COUNT(*) AS n FROM ${table}`)])),
    versions: one('SELECT SUM(version) AS n FROM entity_versions'),
    counters: one('SELECT COUNT(*) AS n FROM entity_versions'),
    changes: one("SELECT seq AS n FROM sqlite_sequence WHERE name = 'entity_changes'"),
    audit: one('SELECT COUNT(*) AS n FROM user_audit'),
    keys: one('SELECT COUNT(*) AS n FROM command_keys'),
  }
}
