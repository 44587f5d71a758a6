/** Counts what a feed does, in passing: must be quick, and not throw. */
export type FeedObserver = {
  /** How long after it was written each change had been handled, by the database's clock. */
  handled(stalenessMs: number[]): void
  /** They failed while others went through, and will be tried again. */
  retried(changes: number): void
  parked(changes: number): void
  /** Nothing goes through now: everything waits. */
  waited(): void
  /** The worker no longer held them when it had done with them: another may have done the same work. */
  claimsLost(changes: number): void
  /** Messages that nobody here understands were put aside. */
  unknown(messages: number): void
  /** So many, of all workers together, are on their way to be handled. */
  waiting(messages: number): void
}
