import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { ensureSqliteSchema } from '../../src/adapters/sqlite/schema.ts'
import type { SqlValue } from '../../src/ports.ts'
import { databasePath } from '../../src/wiring-database.ts'
import { openDrda } from '../contract/drda.ts'
import { gate } from '../contract/rig.ts'
import { DRDA_USER, type DrdaServer, drdaMissing, startDrdaServer } from './drda/server.ts'

type Row = Record<string, SqlValue>
/** A database for a service of a test, and a program of another kind on it. */
export type TestDatabase = {
  /** By which the service finds it. */
  environment: Record<string, string>
  run(sql: string, params: SqlValue[]): Promise<void>
  all(sql: string, params: SqlValue[]): Promise<Row[]>
  /** From here on nobody else can write, until the answer is called. */
  holdWrites(): Promise<() => Promise<void>>
  rename(table: string, to: string): Promise<void>
  /** How many changes were ever written: the feed deletes them. */
  changesWritten(): Promise<number>
  close(): Promise<void>
}

/** Embedded under `dataDir`; with TEST_DATABASE=drda over IBM's driver. */
export function openTestDatabase(dataDir: string): Promise<TestDatabase> {
  return process.env.TEST_DATABASE === 'drda' ? overDrda() : embedded(dataDir)
}

async function embedded(dataDir: string): Promise<TestDatabase> {
  const path = databasePath({ dataDir })
  ensureSqliteSchema(path)
  const connection = openConnection(path, { readOnly: false })
  const all = async (sql: string, params: SqlValue[]) => connection.all(sql, params)
  return {
    environment: {},
    run: async (sql, params) => void connection.run(sql, params),
    all,
    async holdWrites() {
      connection.run('BEGIN IMMEDIATE', [])
      return async () => void connection.run('ROLLBACK', [])
    },
    rename: async (table, to) => void connection.run(`ALTER TABLE ${table} RENAME TO ${to}`, []),
    async changesWritten() {
      const [row] = await all("SELECT seq AS n FROM sqlite_sequence WHERE name = 'entity_changes'", [])
      return Number(row?.n ?? 0)
    },
    close: async () => connection.close(),
  }
}

let server: Promise<DrdaServer> | null = null

/** One server for all services of a test file; it ends with the process. */
async function overDrda(): Promise<TestDatabase> {
  const missing = drdaMissing()
  if (missing) throw new Error(`TEST_DATABASE=drda, and ${missing}`)
  server ??= startDrdaServer()
  const { port, makeDatabase } = await server
  const name = makeDatabase()
  const database = openDrda({ port }, name)
  // As on a new embedded database: the first user is number 1.
  await database.execute('ALTER TABLE users ALTER COLUMN user_id RESTART WITH 1')
  return {
    environment: {
      DATABASE_URL: `ibmdb://${DRDA_USER}:${DRDA_USER}@127.0.0.1:${port}/${name}?server=derby`,
      DATABASE_READ_PROCESSES: '1',
    },
    run: async (sql, params) => void (await database.execute(sql, params)),
    all: (sql, params) => database.query(sql, params),
    async holdWrites() {
      const [held, { passed, open }] = [gate(), gate()]
      const holding = database
        .transaction(async (session) => {
          await session.execute('LOCK TABLE users IN EXCLUSIVE MODE')
          await session.execute('LOCK TABLE roles IN EXCLUSIVE MODE')
          held.open()
          await passed
          throw new Error('rolled back')
        })
        .catch(() => undefined)
      await held.passed
      return async () => {
        open()
        await holding
      }
    },
    rename: async (table, to) => void (await database.execute(`RENAME TABLE ${table} TO ${to}`)),
    async changesWritten() {
      const [row] = await database.query(
        `SELECT c.autoincrementvalue AS n FROM sys.syscolumns c, sys.systables t
         WHERE c.referenceid = t.tableid AND t.tablename = 'ENTITY_CHANGES' AND c.columnname = 'CHANGE_ID'`,
      )
      return Number(row?.n ?? 0)
    },
    close: database.close,
  }
}
