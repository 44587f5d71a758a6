const MOST_A_MINUTE = '999999999'

/** A machine that runs tests is late at times, and their one caller asks for what a thousand would: neither is refused. */
export const UNHURRIED = {
  ...{ OVERLOAD_DELAY_MS: '0', OVERLOAD_SEARCHES_DELAY_MS: '0' },
  ...{ RATE_LIMIT_READS: MOST_A_MINUTE, RATE_LIMIT_SEARCHES: MOST_A_MINUTE, RATE_LIMIT_WRITES: MOST_A_MINUTE },
}

/** Not counted at all, so that equal answers have equal headers; and Redis is waited for. */
export const PATIENT = {
  ...UNHURRIED,
  ...{ RATE_LIMIT_READS: '0', RATE_LIMIT_SEARCHES: '0', RATE_LIMIT_WRITES: '0', RATE_LIMIT_REFUSALS: '0' },
  REDIS_READ_DEADLINE_MS: '10000',
}
