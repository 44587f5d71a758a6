import { DatabaseSync } from 'node:sqlite'
import { monotonicMs } from '../../bench/clock.ts'
import type { Acknowledged } from './knowledge.ts'

type Waiting = { ack: Acknowledged; from: number; to: number }

export type Outbox = ReturnType<typeof openOutbox>

/** Watches the change rows: whoever deletes one says by it that what it led to is shown. */
export function openOutbox(path: string) {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT change_id AS id FROM entity_changes ORDER BY change_id')
  const oldest = database.prepare(
    `SELECT (julianday('now') - julianday(MIN(changed_at))) * 86400000 AS ms FROM entity_changes`,
  )
  let waiting: Waiting[] = []
  return {
    track(ack: Acknowledged, [from, to]: [number, number]): void {
      waiting.push({ ack, from, to })
    },
    /** Looks which of the tracked changes have been handled. */
    look(): void {
      if (waiting.length === 0) return
      const pending = (rows.all() as { id: number }[]).map(({ id }) => id)
      const handledAtMs = monotonicMs()
      waiting = waiting.filter(({ ack, from, to }) => {
        if (pending.some((id) => id >= from && id <= to)) return true
        ack.handledAtMs = handledAtMs
        return false
      })
    },
    /** Since the oldest unhandled change was made; 0 when there is none. */
    oldestAgeMs: (): number => Number(oldest.get()?.ms ?? 0),
    count: (): number => rows.all().length,
    close: () => database.close(),
  }
}
