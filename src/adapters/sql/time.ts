/** RFC 3339 (UTC, `Z`) as the database keeps it: `YYYY-MM-DD HH:MM:SS.fff`. */
export function toSqlTime(rfc3339: string): string {
  return new Date(rfc3339).toISOString().replace('T', ' ').slice(0, -1)
}

/** The database's time as RFC 3339 with milliseconds. Copes with 0 to 6 digits of fraction: older programs vary. */
export function fromSqlTime(text: string): string {
  const [date, time = '00:00:00'] = text.trim().split(/[ T]/)
  const [seconds, fraction = ''] = time.replace(/Z$/, '').split('.')
  return `${date}T${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
}
