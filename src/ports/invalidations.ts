/**
 * Tells a cache in this process which keys of Redis have changed. It may be believed only while it is up, and only as
 * far as it has been proved: a key that changed before `provedAtMs` has been told; one that changed later, perhaps not.
 * On a cluster it is up only while every master tells, and each has been proved.
 */
export type Invalidations = {
  /** Once. Starts down, and calls `onUp` when it may be believed. */
  start(listener: InvalidationListener): void
  /** On the clock of `performance.now()`; -Infinity while it is down. Rises several times within MAX_UNPROVED_MS. */
  provedAtMs(): number
  /** Goes down, begins to watch other prefixes instead, and comes up again. */
  watch(prefixes: string[]): void
  /** Goes down for good. */
  stop(): void
}
export type InvalidationListener = {
  /** Of keys. None may be the beginning of another. */
  prefixes: string[]
  onUp(): void
  /** Everything that was learnt until now may be wrong from now on. */
  onDown(reason: string): void
  /** Null: all keys. */
  onInvalidated(key: string | null): void
}
/** What has not been proved for so long may not be served: the longest that a silent loss can keep an old answer alive. */
export const MAX_UNPROVED_MS = 1_000
