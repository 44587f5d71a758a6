import { setTimeout as wait } from 'node:timers/promises'
import { DomainError } from '../../domain/errors.ts'
import type { Dialect, Session } from '../../ports.ts'
import { MARK_PREFIX } from '../sql/command-keys.ts'
import { databaseNow, later } from '../sql/database-time.ts'
import { isSqlError } from '../sql/errors.ts'
import { inList } from '../sql/in-list.ts'
import { type Connection, type Deadline, deadlineIn, msUntil, rollBack } from './connection.ts'
import type { Pool } from './pool.ts'

const WROTE = 'wrote'
const LOOKED = 'looked'
/** After a COMMIT without an answer: how long it may take to find out what became of it. */
const RESOLVE_LIMIT_MS = 5_000
const RESOLVE_PAUSE_MS = 50
/** Nobody asks about a transaction for so long. */
const KEPT_MS = 3_600_000
const SWEEP_EVERY_MS = 3_600_000
const SWEPT_AT_ONCE = 500

export type CommitMarkers = {
  next(): string
  /** As the transaction's last statement: there after its commit, and only then. */
  insert(connection: Connection, marker: string, deadline: Deadline): Promise<void>
  /** What became of a COMMIT that had no answer. Rejects with DomainError `outcome-unknown`. */
  resolve(marker: string): Promise<'committed' | 'undone'>
  stop(): void
}

/**
 * Whoever asks inserts the marker himself: that waits for the lost transaction, if the server still has it; a duplicate
 * means that it was committed; and when it goes through, the lost one never can be.
 */
export function commitMarkers(pool: Pool, dialect: Dialect, { resolveLimitMs = RESOLVE_LIMIT_MS } = {}): CommitMarkers {
  let sweeping: NodeJS.Timeout | undefined
  const insertAs = (connection: Connection, marker: string, answer: string, deadline: Deadline) =>
    connection.execute(
      `INSERT INTO command_keys (command_key, request_hash, answer, created_at) VALUES (?, '-', ?, ${dialect.utcNow})`,
      [marker, answer],
      deadline,
    )
  const look = (marker: string, deadline: Deadline) =>
    pool.use(deadline, async (connection) => {
      await connection.begin(deadline)
      try {
        await insertAs(connection, marker, LOOKED, deadline)
        await connection.commit(deadline)
        return 'undone'
      } catch (error) {
        await rollBack(connection)
        if (!isSqlError(error, 'duplicate')) throw error
      }
      const [row] = await connection.query('SELECT answer FROM command_keys WHERE command_key = ?', [marker], deadline)
      return row?.answer === WROTE ? 'committed' : 'undone'
    })
  const sweep = async () => {
    const limit = () => deadlineIn(RESOLVE_LIMIT_MS)
    const query = (sql: string) => pool.use(limit(), (connection) => connection.query(sql, [], limit()))
    const before = later(await databaseNow({ query: query as Session['query'] }, dialect), -KEPT_MS)
    const old = `command_key LIKE '${MARK_PREFIX}%' AND created_at < ?`
    for (let swept = SWEPT_AT_ONCE; swept === SWEPT_AT_ONCE; ) {
      swept = await pool.use(limit(), async (connection) => {
        const sql = `SELECT command_key FROM command_keys WHERE ${old} ORDER BY command_key ${dialect.limit(SWEPT_AT_ONCE)}`
        const rows = await connection.query(sql, [before], limit())
        if (rows.length === 0) return 0
        const keys = inList(rows.map(({ command_key: key }) => key ?? ''))
        await connection.execute(`DELETE FROM command_keys WHERE command_key IN ${keys.sql}`, keys.params, limit())
        return rows.length
      })
    }
  }
  return {
    next: () => {
      // What is left behind costs room only: the next hour's sweep takes what this one could not.
      sweeping ??= setInterval(() => void sweep().catch(() => undefined), SWEEP_EVERY_MS).unref()
      return `${MARK_PREFIX}${crypto.randomUUID()}`
    },
    insert: async (connection, marker, deadline) => void (await insertAs(connection, marker, WROTE, deadline)),
    async resolve(marker) {
      const deadline = deadlineIn(resolveLimitMs)
      while (msUntil(deadline) > 0) {
        try {
          return await look(marker, deadline)
        } catch {
          // Out of reach, or still locked: it is asked for until the time is up.
          await wait(Math.min(RESOLVE_PAUSE_MS, msUntil(deadline)))
        }
      }
      throw new DomainError(
        'outcome-unknown',
        'The database did not say whether this was written: look before you try again.',
      )
    },
    stop: () => clearInterval(sweeping),
  }
}
