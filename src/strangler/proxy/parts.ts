import { NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'
import type { Tracing } from '../../ports/tracing.ts'
import type { Log } from '../../ports.ts'
import type { forwarding } from './forwarding.ts'
import type { LegacyTimes } from './limits.ts'
import type { StreamPlaces } from './stream-places.ts'
import type { Upstream } from './upstream.ts'
import type { Withheld } from './withheld.ts'

/** Whatever bounds and breaks calls of the legacy application. */
export type LegacyGuard = {
  /**
   * Holds a place until `rest` has settled, which never rejects. How `head` ends says whether the legacy application is
   * ill. Rejects with NeighbourError: that of `head`, or its own; when the signal is aborted while it waits, `cancelled`.
   */
  run<Head>(signal: AbortSignal, steps: Steps<Head>): Promise<void>
}
/** `isSent`: whether all of the request is sent, so that it is the legacy application that is waited for. */
export type Steps<Head> = { head(): Promise<Head>; isSent(): boolean; rest(head: Head): Promise<void> }

export type TraceContext = Pick<Tracing, 'isTracing' | 'ofCall'>

/** What all kinds of exchanges share. */
export type Parts = {
  upstream: Upstream
  times: LegacyTimes
  guard: LegacyGuard
  log: Log
  forward: ReturnType<typeof forwarding>
  withheld: Withheld
  tracing: TraceContext | null
  streams: StreamPlaces
  /** How to end each that is under way. */
  underWay: Set<() => void>
}

/** The reason of an exchange that has failed. */
export function reasonOf(error: unknown): NoAnswer {
  return error instanceof NeighbourError ? error.reason : 'unreachable'
}
