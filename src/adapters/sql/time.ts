/** RFC 3339 (UTC, `Z`) as the database keeps it: `YYYY-MM-DD HH:MM:SS.fff`. */
export function toSqlTime(rfc3339: string): string {
  return new Date(rfc3339).toISOString().replace('T', ' ').slice(0, -1)
}

/** What a time that cannot be read is shown as: nothing happened at that moment, so nobody takes it for a real one. */
export const UNREADABLE_TIME = '1970-01-01T00:00:00.000Z'

const SQL_TIME = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d*))?Z?)?$/

/**
 * The database's time as RFC 3339 with milliseconds; null when it is none. Copes with 0 or more digits of fraction, and
 * with a date alone: older programs vary.
 */
export function fromSqlTime(text: string): string | null {
  const [, date, time = '00:00:00', fraction = ''] = SQL_TIME.exec(text.trim()) ?? []
  if (date === undefined) return null
  const rfc3339 = `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  return Number.isNaN(Date.parse(rfc3339)) ? null : rfc3339
}
