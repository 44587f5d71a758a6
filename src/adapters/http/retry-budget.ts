export type RetryBudgetLimits = {
  /** Further attempts for each call that was answered. */
  share: number
  /** So many answered calls are remembered, at least as many as pay for one further attempt: older ones pay for nothing. */
  calls: number
}
export type RetryBudget = ReturnType<typeof retryBudget>

/**
 * A token bucket that answered calls fill and further attempts empty: over any time, these are at most `share` of the calls
 * that were answered, and what `calls` had saved before; a neighbour that answers nobody soon gets none. Without it, three
 * attempts a call are three times the load when it can bear least (Google, Site Reliability Engineering, chapter 21: a tenth
 * of the requests; filled by successes only, as gRPC does: https://github.com/grpc/proposal/blob/master/A6-client-retries.md).
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
