import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mapStatement } from '../../src/adapters/sql/map-statement.ts'
import { mappedDatabase } from '../../src/adapters/sql/mapped-database.ts'
import { mappingFrom } from '../../src/adapters/sql/mapping.ts'
import { REFERENCE_TABLES } from '../../src/adapters/sql/reference.ts'
import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { openSqlite } from '../../src/adapters/sqlite/database.ts'
import { ensureSqliteSchema } from '../../src/adapters/sqlite/schema.ts'
import { auditChainContract } from './audit-chain.ts'
import { auditErasureContract } from './audit-erasure.ts'
import { commandKeysContract } from './command-keys.ts'
import { databaseContract } from './database.ts'
import { registerContract } from './register-user.ts'
import { lastFirst, type OpenRig } from './rig.ts'
import { roleStoreContract } from './role-store.ts'
import { plainClient, temporaryFolder } from './sqlite.ts'
import { switchesContract } from './switches.ts'
import { triggersContract } from './triggers.ts'
import { tornReadsContract, truthContract } from './truth.ts'
import { userStoreContract } from './user-store.ts'
import { versionBumpsContract } from './version-bumps.ts'

/** Every name is another, and what is `role` in one table is not what it is in the next. */
const OTHER_NAMES = mappingFrom(
  Object.fromEntries(
    REFERENCE_TABLES.map(([name, { columns }]) => [
      name,
      {
        table: `t_${name}`,
        columns: Object.fromEntries(Object.keys(columns).map((column) => [column, `${name[5] ?? 'x'}_${column}`])),
      },
    ]),
  ),
)

/** The embedded database under a site's own names: the statements never say the service's. */
const openMappedRig: OpenRig = async (t, options = {}) => {
  const owner = lastFirst(t)
  const path = join(await temporaryFolder(owner), 'users.db')
  await makeMapped(path)
  const opened = () => {
    const database = openSqlite(path, options)
    owner.after(database.close)
    return mappedDatabase({ ...database, scan: { query: database.query } }, OTHER_NAMES)
  }
  const [database, other] = [opened(), opened()]
  const otherProgram = (transaction: string[], rounds: number) =>
    plainClient(
      owner,
      path,
      transaction.map((sql) => mapStatement(sql, OTHER_NAMES)),
      rounds,
    )
  return { ...owner, database, other, scan: database.scan, otherProgram }
}

/** An empty one: each renaming reads the whole schema again, so it is done once, and then only copied. */
let made: Buffer | undefined
async function makeMapped(path: string): Promise<void> {
  if (made) return writeFile(path, made)
  ensureSqliteSchema(path)
  const connection = openConnection(path, { readOnly: false })
  for (const [name, { table, columns }] of Object.entries(OTHER_NAMES)) {
    // Triggers and indexes follow.
    connection.exec(`ALTER TABLE ${name} RENAME TO ${table}`)
    for (const [column, to] of Object.entries(columns))
      connection.exec(`ALTER TABLE ${table} RENAME COLUMN ${column} TO ${to}`)
  }
  connection.close()
  made = await readFile(path)
}

databaseContract(openMappedRig)
triggersContract(openMappedRig)
truthContract(openMappedRig)
tornReadsContract(openMappedRig)
userStoreContract(openMappedRig)
registerContract(openMappedRig)
commandKeysContract(openMappedRig)
roleStoreContract(openMappedRig)
versionBumpsContract(openMappedRig)
switchesContract(openMappedRig)
auditChainContract(openMappedRig)
auditErasureContract(openMappedRig)
