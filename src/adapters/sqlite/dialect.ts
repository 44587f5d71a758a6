import type { Dialect } from '../../ports.ts'

/** SQLite as one of the databases that the portable statements run on. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  limit: (rows) => `LIMIT ${rows}`,
  utcNow: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
  lower: (expression) => `LOWER(${expression})`,
}
