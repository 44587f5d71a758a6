import { DatabaseSync } from 'node:sqlite'
import { monotonicMs } from './clock.ts'

export type ForeignWrite = { userId: number; jobTitle: string }
/** On the clock that all processes share: before the statement, and when its commit had returned. */
export type ForeignWritten = { askedAtMs: number; committedAtMs: number; changes: number }

const BUSY_TIMEOUT_MS = 10_000

// One of the older programs: it knows a table, and nothing of this service.
const database = new DatabaseSync(process.argv[2] ?? '', { timeout: BUSY_TIMEOUT_MS })
const update = database.prepare('UPDATE users SET job_title = ? WHERE user_id = ?')
process.on('message', ({ userId, jobTitle }: ForeignWrite) => {
  const askedAtMs = monotonicMs()
  const changes = Number(update.run(jobTitle, userId).changes)
  process.send?.({ askedAtMs, committedAtMs: monotonicMs(), changes } satisfies ForeignWritten)
})
