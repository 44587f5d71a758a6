import type { Branch, Employment, ForcedState, NeighbourName } from '../domain/neighbours.ts'

/** For whom a call is made, and how long they wait for it. */
export type Caller = {
  /** By `performance.now()`. */
  untilMs: number
  /** Aborted when they have gone away. */
  signal: AbortSignal
  requestId: string
  /** Headers of W3C Trace Context as they came, `traceparent` and `tracestate`; empty when there were none. */
  trace: Record<string, string>
}

/**
 * Why there is no answer. `timeout`: not in time. `unreachable`: no connection, or it broke. `unavailable`: it says itself
 * that it cannot. `wrong-answer`: not what was agreed. `refused`: it does not take our question. `circuit-open`: it was
 * not asked, because it is ill or an operator says so. `overloaded`: it was not asked, because too many calls are under
 * way. `cancelled`: nobody waits any more. `not-configured`: nobody has said where it is.
 */
export type NoAnswer =
  | 'timeout'
  | 'unreachable'
  | 'unavailable'
  | 'wrong-answer'
  | 'refused'
  | 'circuit-open'
  | 'overloaded'
  | 'cancelled'
  | 'not-configured'

type NeighbourErrorOptions = ErrorOptions & { isHurried?: boolean }

/** A call that has no answer. Its message holds nothing that was sent or received. */
export class NeighbourError extends Error {
  readonly reason: NoAnswer
  /** Whoever asked had so little time that this says nothing of what somebody with more would have been answered. */
  readonly isHurried: boolean

  constructor(neighbour: string, reason: NoAnswer, { isHurried = false, ...options }: NeighbourErrorOptions = {}) {
    super(`${neighbour}: ${reason}`, options)
    this.name = 'NeighbourError'
    this.reason = reason
    this.isHurried = isHurried
  }
}

/** Guarded: settles within the caller's time. Rejects with NeighbourError. */
export type BranchesService = {
  /** One each, null for one that it does not know. At most MAX_BRANCHES_A_CALL. */
  branches(branchIds: string[], caller: Caller): Promise<Map<string, Branch | null>>
}
export const MAX_BRANCHES_A_CALL = 100

/** Guarded, as BranchesService. */
export type PeopleService = {
  /** null: it knows of nobody with this number. */
  employment(employeeNumber: string, caller: Caller): Promise<Employment | null>
}

export type BreakerState = 'closed' | 'half-open' | 'open'
/** One neighbour's breaker in this process. `forced`: what an operator has said; then `state` is that. */
export type BreakerReport = {
  neighbour: NeighbourName
  state: BreakerState
  forced: ForcedState | null
  /** Since when the neighbour has been asked, or not, `YYYY-MM-DDTHH:MM:SS.fffZ`: that it is tried meanwhile changes nothing. */
  since: string
}

/** The breakers of this process. */
export type Breakers = {
  reports(): BreakerReport[]
  /** null: it decides by itself again, beginning with closed. */
  force(neighbour: NeighbourName, forced: ForcedState | null): void
}

/** Counts calls, in passing: must be quick, and not throw. */
export type NeighbourObserver = {
  /** A call, and how long it took, waiting and further attempts among that. */
  ended(neighbour: NeighbourName, outcome: 'answered' | NoAnswer, ms: number): void
  /** A request is sent: the first of a call, or a further one. */
  attempted(neighbour: NeighbourName): void
  changed(neighbour: NeighbourName, state: BreakerState): void
}
