import type { Session } from '../../ports.ts'

export type Catalog = {
  isLogged: boolean
  /** Locale of the database, `en_us.utf8`; null where it cannot be seen. */
  locale: string | null
  /** By the table's name: its columns with their types, and whether it locks rows or whole pages. */
  tables: Map<string, { columns: Map<string, string>; locks: 'row' | 'page' }>
  indexes: Set<string>
  routines: Set<string>
  /** By name. */
  triggers: Map<string, { table: string; isEnabled: boolean }>
  /** Tables whose rows vanish with a parent's row: no trigger of theirs fires. */
  cascading: string[]
  epochs: number
}

/** Names of IBM Informix's types: syscolumns.coltype, Informix Guide to SQL: Reference. 256 is added for NOT NULL. */
const TYPES: Record<number, string> = {
  0: 'CHAR',
  1: 'SMALLINT',
  2: 'INTEGER',
  3: 'FLOAT',
  4: 'SMALLFLOAT',
  5: 'DECIMAL',
  6: 'SERIAL',
  7: 'DATE',
  8: 'MONEY',
  10: 'DATETIME',
  13: 'VARCHAR',
  15: 'NCHAR',
  16: 'NVARCHAR',
  17: 'INT8',
  18: 'SERIAL8',
  // Of the extended types, 40 and 41 have others as well: the name of theirs decides.
  43: 'LVARCHAR',
  45: 'BOOLEAN',
  52: 'BIGINT',
  53: 'BIGSERIAL',
}
const NOT_NULL = 256

export const CATALOG_SQL = {
  columns: `SELECT t.tabname, t.locklevel, c.colname, c.coltype, x.name AS extended
    FROM systables t, syscolumns c LEFT OUTER JOIN sysxtdtypes x ON x.extended_id = c.extended_id
    WHERE c.tabid = t.tabid AND t.tabid > 99 AND t.tabtype = 'T'`,
  indexes: 'SELECT idxname FROM sysindices WHERE tabid > 99',
  routines: `SELECT procname FROM sysprocedures WHERE procname LIKE 'usr_%'`,
  triggers: `SELECT r.trigname, t.tabname, o.state FROM systriggers r, systables t, sysobjstate o
    WHERE t.tabid = r.tabid AND o.tabid = r.tabid AND o.name = r.trigname AND o.objtype = 'T'`,
  cascading: `SELECT t.tabname FROM sysconstraints k, sysreferences r, systables t
    WHERE r.constrid = k.constrid AND t.tabid = k.tabid AND r.delrule = 'C'`,
  logged: `SELECT d.is_logging FROM sysmaster:sysdatabases d WHERE d.name = ?`,
  locale: `SELECT l.dbs_collate FROM sysmaster:sysdbslocale l WHERE l.dbs_dbsname = ?`,
  epochs: 'SELECT COUNT(*) AS n FROM service_epoch',
}

/** What the database says of itself; changes nothing. */
export async function readCatalog(session: Pick<Session, 'query'>, database: string): Promise<Catalog> {
  const tables: Catalog['tables'] = new Map()
  for (const row of await session.query(CATALOG_SQL.columns)) {
    const name = String(row.tabname).trim()
    const table = tables.get(name) ?? { columns: new Map(), locks: row.locklevel === 'R' ? 'row' : 'page' }
    const extended = String(row.extended ?? '')
      .trim()
      .toUpperCase()
    table.columns.set(String(row.colname).trim(), TYPES[Number(row.coltype) % NOT_NULL] ?? (extended || 'another type'))
    tables.set(name, table)
  }
  const names = async (sql: string, column: string) =>
    (await session.query(sql)).map((row) => String(row[column]).trim())
  const triggers = (await session.query(CATALOG_SQL.triggers)).map(
    (row) =>
      [String(row.trigname).trim(), { table: String(row.tabname).trim(), isEnabled: row.state === 'E' }] as const,
  )
  const [logged] = await session.query(CATALOG_SQL.logged, [database])
  // A user may lack the right to read of it.
  const [locale] = await session.query(CATALOG_SQL.locale, [database]).catch(() => [])
  const epochs = tables.has('service_epoch') ? await session.query(CATALOG_SQL.epochs) : []
  return {
    isLogged: Number(logged?.is_logging) === 1,
    locale: locale === undefined ? null : String(locale.dbs_collate).trim(),
    tables,
    indexes: new Set(await names(CATALOG_SQL.indexes, 'idxname')),
    routines: new Set(await names(CATALOG_SQL.routines, 'procname')),
    triggers: new Map(triggers),
    cascading: await names(CATALOG_SQL.cascading, 'tabname'),
    epochs: Number(epochs[0]?.n ?? 0),
  }
}
