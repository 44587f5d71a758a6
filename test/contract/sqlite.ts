import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite } from '../../src/adapters/sqlite/database.ts'
import { openScanThread, type ScanThread } from '../../src/adapters/sqlite/scan-thread.ts'
import { ensureSqliteSchema } from '../../src/adapters/sqlite/schema.ts'
import { lastFirst, type OpenRig, type OtherProgram, type Owner, type Rig } from './rig.ts'

/** A folder of the test's own, deleted after it. */
export async function temporaryFolder(t: Owner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'users-service-contract-'))
  // A process that has just been killed may still be making a file in it.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** The embedded database, as what the contract suites test. */
export const openSqliteRig: OpenRig = async (t, options = {}) => {
  const owner = lastFirst(t)
  const path = join(await temporaryFolder(owner), 'users.db')
  ensureSqliteSchema(path)
  const database = openSqlite(path, options)
  owner.after(database.close)
  const other = openSqlite(path)
  owner.after(other.close)
  // Few tests scan, and a thread costs more than most tests.
  let thread: ScanThread | undefined
  owner.after(() => thread?.close())
  const scan: Rig['scan'] = {
    query: (sql, params) => {
      thread ??= openScanThread(path)
      return thread.query(sql, params)
    },
  }
  return { ...owner, database, other, scan, otherProgram: (...work) => plainClient(owner, path, ...work) }
}

/** Knows nothing of this service: Node's own SQLite, a file and some SQL. It makes way for others between its rounds. */
const CLIENT = `
  const { DatabaseSync } = require('node:sqlite')
  const [path, rounds, transaction] = process.argv.slice(1)
  const database = new DatabaseSync(path, { timeout: 10000 })
  const statements = JSON.parse(transaction).map((sql) => [database.prepare(sql), sql.split('?').length - 1])
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let round = 1; round <= Number(rounds); round += 1) {
    database.exec('BEGIN IMMEDIATE')
    for (const [statement, params] of statements) statement.run(...new Array(params).fill(BigInt(round)))
    database.exec('COMMIT')
    Atomics.wait(pause, 0, 0, 0.2)
  }
  database.close()
`

export function plainClient(t: Owner, path: string, transaction: string[], rounds: number): OtherProgram {
  const child = spawn(process.execPath, ['-e', CLIENT, path, String(rounds), JSON.stringify(transaction)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const closed = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await closed
  })
  return {
    running: () => child.exitCode === null && child.signalCode === null,
    ended: closed.then(([code]) => {
      if (code !== 0) throw new Error(`the other program ended with ${code}: ${said}`)
    }),
  }
}
