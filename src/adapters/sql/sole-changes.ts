import type { Database, Session } from '../../ports.ts'
import { type ChangeRow, changeOf } from './change-row.ts'
import { type ChangeSource, deleteChanges, oldestChange } from './changes.ts'
import { MAX_CLAIMED } from './claiming.ts'

type Options = {
  /** Rejects when this is not the only one any more. Run first in the transaction that deletes. */
  fence(session: Session): Promise<void>
  /** As `fence`, without a look at the database. */
  check(): void
}

/**
 * The outbox for the one worker that has it to itself: no claims, since nobody else takes any. Nothing is ever counted
 * against a change, so none is parked.
 */
export function soleChanges(
  database: Database,
  { fence, check }: Options,
): ChangeSource & { oldest(): Promise<string | null> } {
  const { dialect } = database
  return {
    async claim() {
      check()
      const rows = await database.query<ChangeRow>(
        `SELECT change_id, entity, entity_id, changed_at FROM entity_changes ORDER BY change_id ${dialect.limit(MAX_CLAIMED)}`,
      )
      if (rows.length === 0) return 'none'
      const changes = rows.map((row) => ({ ...changeOf(row), attempts: 0, takeovers: 0 }))
      return { claim: '', changes, more: rows.length === MAX_CLAIMED }
    },
    renew: async () => undefined,
    release: async (_claim, changeIds) => changeIds.length,
    forget: (_claim, changeIds) =>
      database.transaction(async (session) => {
        await fence(session)
        await deleteChanges(session, changeIds)
        return 0
      }),
    oldest: () => oldestChange(database),
    sweep: async () => undefined,
  }
}
