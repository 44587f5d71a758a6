import { DatabaseSync } from 'node:sqlite'
import { monotonicMs } from '../../bench/clock.ts'

/** One transaction: statements with their parameters. `userIds`: whose versions are wanted; 0 is the role catalogue's. */
export type ForeignWrite = { statements: [sql: string, ...params: (string | number | null)[]][]; userIds: number[] }
/** `changeIds`: its first and last change row. `committedAtMs`, on the clock that all processes share: when its commit had returned. */
export type ForeignWritten =
  | { versions: [userId: number, version: number][]; changeIds: [from: number, to: number]; committedAtMs: number }
  | { refusal: string }

/** Longer than any process is stopped while it holds the database's lock. */
const BUSY_TIMEOUT_MS = 15_000

// One of the older programs: it knows the tables, and nothing of this service.
const database = new DatabaseSync(process.argv[2] ?? '', { timeout: BUSY_TIMEOUT_MS })
const lastChange = database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'entity_changes'`)
const version = database.prepare(
  `SELECT SUM(version) AS version FROM entity_versions WHERE entity = ? AND entity_id = ?`,
)

process.on('message', (write: ForeignWrite) => process.send?.(run(write)))

function run({ statements, userIds }: ForeignWrite): ForeignWritten {
  try {
    database.exec('BEGIN IMMEDIATE')
    const before = Number(lastChange.get()?.seq ?? 0)
    for (const [sql, ...params] of statements) database.prepare(sql).run(...params)
    const versions = userIds.map((userId): [number, number] => [userId, versionOf(userId)])
    const changeIds: [number, number] = [before + 1, Number(lastChange.get()?.seq ?? 0)]
    database.exec('COMMIT')
    return { versions, changeIds, committedAtMs: monotonicMs() }
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    return { refusal: error instanceof Error ? error.message : String(error) }
  }
}

function versionOf(userId: number): number {
  const [entity, id] = userId === 0 ? ['role', '*'] : ['user', String(userId)]
  return Number(version.get(entity ?? '', id ?? '')?.version ?? 0)
}
