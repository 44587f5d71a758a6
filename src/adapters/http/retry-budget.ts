export type RetryBudgetLimits = {
  /** Further attempts for each answered call, on average. */
  share: number
  /** So many recent ones count: the budget never holds more than their share. */
  calls: number
}
export type RetryBudget = ReturnType<typeof retryBudget>

/**
 * A token bucket that answered calls fill and further attempts empty: attempts are at most `1 + share` times the calls,
 * however ill the neighbour is. Without it, three attempts a call are three times the load when it can bear least (Google,
 * Site Reliability Engineering, chapter 21: a tenth of the requests). Calls in vain do not fill it: who answers nobody gets
 * no more than what was saved, and further attempts only where they may help.
 */
export function retryBudget({ share, calls }: RetryBudgetLimits) {
  // Counted in calls, so that sums of tenths do not drift.
  const price = Math.ceil(1 / share)
  const most = Math.max(price, calls)
  let saved = 0
  return {
    answered: () => {
      saved = Math.min(most, saved + 1)
    },
    /** Whether there may be one further attempt; it is then paid for. */
    spend: (): boolean => {
      if (saved < price) return false
      saved -= price
      return true
    },
  }
}
