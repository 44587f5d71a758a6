import type { Change, Database, Session } from '../../ports.ts'
import { type ChangeRow, changeOf } from './change-row.ts'
import { databaseNow, LONG_AGO, later } from './database-time.ts'
import { isSqlError } from './errors.ts'
import { inList } from './in-list.ts'

/** The longest IN list, and what one transaction claims or deletes at most. */
export const MAX_CLAIMED = 500
/**
 * How many are claimed together, by how often the same have been tried in vain or were left behind by a worker that
 * died. A change that kills whoever handles it is soon alone, and takes no others down with it.
 */
export const GROUP_SIZES = [MAX_CLAIMED, 60, 8, 1]
export const NOBODY = '-'
const WORKER_NAME_LENGTH = 12

/** `attempts` failed by the change's own fault; `takeovers`: how often a claim of it ran out, never given back. */
export type ClaimedChange = Change & { attempts: number; takeovers: number }
/** `more`: others are free as well. */
export type Claim = { claim: string; changes: ClaimedChange[]; more: boolean }

type Row = ChangeRow & {
  claim: string | null
  attempts: number | null
  takeovers: number | null
  now: string
}

/**
 * One worker's way to take changes that are free, and at least `overdueMs` old. `clash`: another worker took the same at the same moment; look again a
 * little later.
 */
export function claimer(
  database: Database,
  { leaseMs, overdueMs }: { leaseMs: number; overdueMs: number },
): () => Promise<Claim | 'none' | 'clash'> {
  const { dialect } = database
  const worker = crypto.randomUUID().replaceAll('-', '').slice(0, WORKER_NAME_LENGTH)
  let claims = 0

  const free = async (): Promise<Row[]> => {
    const overdue = overdueMs === 0 ? null : later(await databaseNow(database, dialect), -overdueMs)
    return database.query<Row>(
      `SELECT c.change_id, c.entity, c.entity_id, c.changed_at, h.claim, h.attempts, h.takeovers, ${dialect.utcNow} AS now
       FROM entity_changes c LEFT OUTER JOIN change_claims h ON h.change_id = c.change_id
       WHERE (h.change_id IS NULL OR h.free_at <= ${dialect.utcNow}) ${overdue === null ? '' : 'AND c.changed_at <= ?'}
       ORDER BY c.change_id ${dialect.limit(MAX_CLAIMED)}`,
      overdue === null ? [] : [overdue],
    )
  }

  /** Throws when others had some of the rows first. */
  const take = async (session: Session, rows: Row[], now: string): Promise<Claim> => {
    // Every other time the untried come first: neither they nor the tried wait for ever.
    const chosen = alike(rows, claims % 2 === 0)
    claims += 1
    const claim = `${worker}.${claims}`
    await addClaims(session, chosen)
    const ids = inList(chosen.map((row) => row.change_id))
    const taken = await session.execute(
      `UPDATE change_claims SET claim = ?, free_at = ?,
         takeovers = CASE WHEN claim = '${NOBODY}' THEN takeovers ELSE takeovers + 1 END
       WHERE change_id IN ${ids.sql} AND free_at <= ?`,
      [claim, later(now, leaseMs), ...ids.params, now],
    )
    if (taken !== chosen.length) throw new OthersWereFirst()
    return { claim, changes: chosen.map(changeFrom), more: rows.length > chosen.length || rows.length === MAX_CLAIMED }
  }

  return async () => {
    // Outside the transaction: looking takes no lock, and waits for nobody who is still writing changes.
    const rows = await free()
    // The clock goes on while rows are read: by the last row's time all of them are free.
    const now = rows.at(-1)?.now
    if (now === undefined) return 'none'
    try {
      return await database.transaction((session) => take(session, rows, now))
    } catch (error) {
      if (error instanceof OthersWereFirst || isSqlError(error, 'duplicate')) return 'clash'
      throw error
    }
  }
}

class OthersWereFirst extends Error {}

/** Free at once, and nobody's: the update that takes the others takes these, too. */
async function addClaims(session: Session, rows: Row[]): Promise<void> {
  const unclaimed = rows.filter(({ claim }) => claim === null)
  if (unclaimed.length === 0) return
  const ids = inList(unclaimed.map((row) => row.change_id))
  await session.execute(
    `INSERT INTO change_claims (change_id, claim, free_at, attempts, takeovers)
     SELECT change_id, '${NOBODY}', '${LONG_AGO}', 0, 0 FROM entity_changes WHERE change_id IN ${ids.sql}`,
    ids.params,
  )
}

/** The first row, or the least tried one, and those that were tried as often: as many as go together. */
function alike(rows: Row[], leastTriedFirst: boolean): Row[] {
  const counts = rows.map(triesOf)
  const tries = leastTriedFirst ? Math.min(...counts) : counts[0]
  const size = GROUP_SIZES[tries ?? 0] ?? 1
  return rows.filter((row) => triesOf(row) === tries).slice(0, size)
}

const isLeftBehind = ({ claim }: Row): boolean => claim !== null && claim !== NOBODY
const takeoversOf = (row: Row): number => (row.takeovers ?? 0) + (isLeftBehind(row) ? 1 : 0)
const triesOf = (row: Row): number => (row.attempts ?? 0) + takeoversOf(row)

function changeFrom(row: Row): ClaimedChange {
  return {
    ...changeOf(row),
    attempts: row.attempts ?? 0,
    takeovers: takeoversOf(row),
  }
}
