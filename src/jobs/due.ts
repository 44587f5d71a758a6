/** By so much the clocks of two jobs workers may differ. */
export const MAX_CLOCK_SKEW_MS = 60_000

/**
 * Whether what was done `agoMs` ago is to be done again. Negative beyond the difference of clocks: by a clock that has been set
 * back since. NaN: nobody knows.
 */
export function isDue(agoMs: number, everyMs: number): boolean {
  return !(agoMs < everyMs && agoMs >= -MAX_CLOCK_SKEW_MS)
}
