import type { TestService } from '../support/service.ts'

const COUNTS = ['users', 'user_branches', 'user_roles', 'user_limits', 'user_preferences', 'roles', 'role_permissions']

/** All that a write would move: rows, versions, changes ever made (the feed deletes them), audit and keys. */
export async function written({
  query,
  database,
}: Pick<TestService, 'query' | 'database'>): Promise<Record<string, unknown>> {
  const one = async (sql: string) => (await query(sql))[0]?.n
  const rows: Record<string, unknown> = {}
  for (const table of COUNTS) rows[table] = await one(`SELECT COUNT(*) AS n FROM ${table}`)
  return {
    rows,
    versions: await one('SELECT SUM(version) AS n FROM entity_versions'),
    counters: await one('SELECT COUNT(*) AS n FROM entity_versions'),
    changes: await database.changesWritten(),
    audit: await one('SELECT COUNT(*) AS n FROM user_audit'),
    keys: await one(`SELECT COUNT(*) AS n FROM command_keys WHERE command_key NOT LIKE 'tx:%'`),
  }
}
