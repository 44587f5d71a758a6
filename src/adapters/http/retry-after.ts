const MS = 1_000
const SECONDS = /^\d{1,9}$/
/** An IMF-fixdate, the only form that RFC 9110 section 5.6.7 lets a sender use. */
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** RFC 9110 section 10.2.3: for how long, in milliseconds; 0 when it says nothing that is understood. */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number {
  if (typeof header !== 'string') return 0
  if (SECONDS.test(header)) return Number(header) * MS
  const at = DATE.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs)
}
