import type { Database, Session } from '../../ports.ts'
import { databaseNow, LONG_AGO, later } from './database-time.ts'
import { isSqlError } from './errors.ts'

/** Who publishes what: they may be different processes. */
export type LeaseName = 'changes' | 'events'
const NOBODY = '-'

/** `token` rises with each taking over. `stream`, `published`: what the holder before knew of the topic (relay.ts). */
export type HeldLease = { token: number; stream: string; published: number }
export type RelayLease = ReturnType<typeof relayLease>
type Row = { token: number; stream: string; published: number }

export class LeaseLostError extends Error {
  constructor() {
    super('another relay has taken over')
    this.name = 'LeaseLostError'
  }
}

/**
 * Who alone publishes, kept in the database and by its clock: whoever does not renew it in time loses it to the next who
 * asks, and finds out at the latest when it deletes what it has published (`fence`).
 */
export function relayLease(database: Database, { lease, leaseMs }: { lease: LeaseName; leaseMs: number }) {
  const { dialect } = database
  const holder = crypto.randomUUID()

  const make = async (): Promise<void> => {
    try {
      await database.execute(
        `INSERT INTO relay_leases (lease, holder, token, free_at, stream, published) VALUES (?, ?, 0, ?, '-', 0)`,
        [lease, NOBODY, LONG_AGO],
      )
    } catch (error) {
      if (!isSqlError(error, 'duplicate')) throw error
    }
  }
  return {
    /** Null: another holds it. */
    async acquire(): Promise<HeldLease | null> {
      const free = 'SELECT token FROM relay_leases WHERE lease = ?'
      if ((await database.query(free, [lease])).length === 0) await make()
      const now = await databaseNow(database, dialect)
      return database.transaction(async (session) => {
        const taken = await session.execute(
          'UPDATE relay_leases SET holder = ?, token = token + 1, free_at = ? WHERE lease = ? AND free_at <= ?',
          [holder, later(now, leaseMs), lease, now],
        )
        if (taken === 0) return null
        const [row] = await session.query<Row>('SELECT token, stream, published FROM relay_leases WHERE lease = ?', [
          lease,
        ])
        if (!row) throw new LeaseLostError()
        return { token: Number(row.token), stream: row.stream, published: Number(row.published) }
      })
    },
    /** Holds it for another `leaseMs`, and keeps what is known of the topic. False: another has taken over. */
    async renew({ token, stream, published }: HeldLease): Promise<boolean> {
      const until = later(await databaseNow(database, dialect), leaseMs)
      const renewed = await database.execute(
        'UPDATE relay_leases SET free_at = ?, stream = ?, published = ? WHERE lease = ? AND token = ?',
        [until, stream, published, lease, token],
      )
      return renewed === 1
    },
    /** Lets the next one take over at once. */
    async release({ token, stream, published }: HeldLease): Promise<void> {
      await database.execute(
        'UPDATE relay_leases SET holder = ?, free_at = ?, stream = ?, published = ? WHERE lease = ? AND token = ?',
        [NOBODY, LONG_AGO, stream, published, lease, token],
      )
    },
    /** Locks the lease until the transaction ends. Rejects when it is another's. */
    async fence(session: Session, { token }: Pick<HeldLease, 'token'>): Promise<void> {
      const held = await session.execute('UPDATE relay_leases SET token = token WHERE lease = ? AND token = ?', [
        lease,
        token,
      ])
      if (held !== 1) throw new LeaseLostError()
    },
    /** How often it has been taken over, and whether anybody holds it now. */
    async look(): Promise<{ token: number; isHeld: boolean }> {
      const [row] = await database.query<{ token: number; free_at: string; now: string }>(
        `SELECT token, free_at, ${dialect.utcNow} AS now FROM relay_leases WHERE lease = ?`,
        [lease],
      )
      return row ? { token: Number(row.token), isHeld: row.free_at > row.now } : { token: 0, isHeld: false }
    },
  }
}
