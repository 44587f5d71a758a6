import { DatabaseSync } from 'node:sqlite'
import { monotonicMs } from '../clock.ts'

/** `everybody`: one transaction. `one`: as many changes of one user, in one transaction, or `apart`: each in its own. */
export type Order =
  | { kind: 'everybody'; jobTitle: string }
  | { kind: 'one'; userId: number; jobTitle: string; times: number; apart: boolean }
/** `committedAtMs`: on the clock that all processes share, when the last commit had returned. */
export type Written = { committedAtMs: number; changes: number }

const BUSY_TIMEOUT_MS = 10_000

// One of the older programs: it knows a table, and nothing of this service.
const database = new DatabaseSync(process.argv[2] ?? '', { timeout: BUSY_TIMEOUT_MS })
const everybody = database.prepare('UPDATE users SET job_title = ?')
const one = database.prepare('UPDATE users SET job_title = ? WHERE user_id = ?')

process.on('message', (order: Order) => {
  const changes = order.kind === 'everybody' ? Number(everybody.run(order.jobTitle).changes) : writeOne(order)
  process.send?.({ committedAtMs: monotonicMs(), changes } satisfies Written)
})

function writeOne({ userId, jobTitle, times, apart }: Extract<Order, { kind: 'one' }>): number {
  let changes = 0
  // IMMEDIATE waits for whoever is writing; a transaction that becomes a writer's only later may be refused at once.
  if (!apart) database.exec('BEGIN IMMEDIATE')
  for (let n = 1; n <= times; n += 1) changes += Number(one.run(`${jobTitle} ${n}`, userId).changes)
  if (!apart) database.exec('COMMIT')
  return changes
}
