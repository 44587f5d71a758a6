import type { Dialect, Session } from '../../ports.ts'

/** A time no later than any other, in the database's own form. */
export const LONG_AGO = '1970-01-01 00:00:00.000'

/** The database's clock, `YYYY-MM-DD HH:MM:SS.fff`, UTC: the only one that these times are compared with. */
export async function databaseNow(session: Pick<Session, 'query'>, dialect: Dialect): Promise<string> {
  const [row] = await session.query<{ now: string }>(`SELECT ${dialect.utcNow} AS now FROM service_epoch`)
  if (!row) throw new Error('service_epoch has no row: the database is not set up')
  return row.now
}

/** `time` and the result are the database's. */
export function later(time: string, byMs: number): string {
  return new Date(milliseconds(time) + byMs).toISOString().replace('T', ' ').slice(0, -1)
}

/** From `start` to `end`, both the database's; 0 where a clock was set back in between. */
export function elapsedMs(start: string, end: string): number {
  return Math.max(0, milliseconds(end) - milliseconds(start))
}

function milliseconds(time: string): number {
  return Date.parse(`${time.replace(' ', 'T')}Z`)
}
