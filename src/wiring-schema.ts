import { readCatalog } from './adapters/informix/catalog.ts'
import { script } from './adapters/informix/ddl.ts'
import { applySchema } from './adapters/informix/schema.ts'
import { checkSchema, type Finding } from './adapters/informix/schema-check.ts'
import { countOddities } from './adapters/sql/oddities.ts'
import { sqlTruth } from './adapters/sql/truth.ts'
import type { Config } from './config.ts'
import { MAX_BULK_USERS } from './ports.ts'
import { databaseMapping, openDatabase, openUnmapped, sayOutOfReach } from './wiring-database.ts'

/** What a DBA reads before running it: all that this service needs in the database. */
export const schemaScript = (config: Config): string => script(databaseMapping(config))

/** Compares the database with what is needed; changes nothing. */
export async function findSchemaFaults(config: Config): Promise<Finding[]> {
  const { database, name, close } = openUnmapped(config)
  try {
    return checkSchema(await readCatalog(database, name).catch(sayOutOfReach), databaseMapping(config))
  } finally {
    await close()
  }
}

/** Makes what is missing of what this service owns. Answers what it made. */
export async function makeSchema(config: Config): Promise<string[]> {
  const { database, name, close } = openUnmapped(config)
  try {
    return await applySchema(database, name, databaseMapping(config)).catch(sayOutOfReach)
  } finally {
    await close()
  }
}

export type DataFaults = { users: number; unreadable: number; oddities: Partial<Record<string, number>> }

/** Reads everybody as the service does, and counts what it has no word for. */
export async function findDataFaults(config: Config, onProgress: (users: number) => void): Promise<DataFaults> {
  const { database, scan, close } = openDatabase(config)
  const oddities = countOddities({ warn: () => undefined })
  const truth = sqlTruth({ point: database, scan, dialect: database.dialect, oddities })
  const everybody = { branchId: null, role: null, status: null }
  try {
    await truth.roles().catch(sayOutOfReach)
    let [users, unreadable, after] = [0, 0, 0]
    for (;;) {
      const ids = await truth.userIds(everybody, after, MAX_BULK_USERS)
      const last = ids.at(-1)
      if (last === undefined) return { users, unreadable, oddities: oddities.counts() }
      const read = await truth.users(ids)
      unreadable += read.filter((user) => user.unreadable).length
      users += ids.length
      after = last
      onProgress(users)
    }
  } finally {
    await close()
  }
}
export type { Finding }
