import { type Caller, NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'
import type { Clock, Waiter } from './waiter.ts'

/** Why what is shown is not fresh. `refreshing`: it was not asked for, because another process is at it, or just was. */
export type Reason = NoAnswer | 'refreshing'
export type Outcome<T> = { value: T | null } | { reason: Reason }
export type Outcomes<T> = Map<string, Outcome<T>>

export type FlightDeps<T> = {
  /** Whether this process is the one to ask. Must not reject. */
  claim(id: string): Promise<boolean>
  /** One each. Rejects with NeighbourError. */
  fetch(ids: string[], caller: Caller): Promise<Map<string, T | null>>
  /** A call takes no longer. */
  callMs: number
  clock: Clock
}
/** Who waits for some ids, in one flight or in several. */
export type Ticket<T> = { waiter: Waiter; land(id: string, outcome: Outcome<T>): void }
/** Of the ids without an outcome: who waits for them. */
type Seats<T> = Map<string, Set<Ticket<T>>>

/** What a call is thought to be that fails otherwise than was agreed. */
const UNFORESEEN: NoAnswer = 'wrong-answer'

export type Flight<T> = ReturnType<typeof flight<T>>

/** One call, and all who wait for it. `onDone`: an id has its outcome, or will have none. */
export function flight<T>(deps: FlightDeps<T>, begunBy: Caller, onDone: (id: string) => void) {
  const { claim, fetch, callMs, clock } = deps
  const seats: Seats<T> = new Map()
  const needed = new Set<string>()
  const controller = new AbortController()

  /** An aborted flight has no seats: whatever comes of it is nobody's. */
  const land = (id: string, outcome: Outcome<T>) => {
    const tickets = seats.get(id)
    if (!tickets) return
    seats.delete(id)
    onDone(id)
    for (const ticket of tickets) ticket.land(id, outcome)
  }
  const abortIfEmpty = () => {
    if ([...seats.values()].some((tickets) => tickets.size > 0)) return
    for (const id of seats.keys()) onDone(id)
    seats.clear()
    controller.abort()
  }
  return {
    size: () => seats.size,
    /** Before it takes off. */
    add: (id: string) => void seats.set(id, new Set()),
    /** It is to be asked for whatever the claim says. */
    need: (id: string) => void needed.add(id),
    sit: (id: string, ticket: Ticket<T>) => void seats.get(id)?.add(ticket),
    rise(ids: string[], ticket: Ticket<T>): void {
      for (const id of ids) seats.get(id)?.delete(ticket)
      abortIfEmpty()
    },
    async fly(): Promise<void> {
      const ids = [...seats.keys()]
      const claimed = await Promise.all(ids.map((id) => needed.has(id) || claim(id)))
      // Who joined meanwhile may need it.
      const asked = ids.filter((id, i) => claimed[i] || needed.has(id))
      for (const id of ids) if (!asked.includes(id)) land(id, { reason: 'refreshing' })
      abortIfEmpty()
      if (seats.size === 0) return
      const { requestId, trace } = begunBy
      const untilMs = latestOf(seats, clock.now() + callMs)
      const outcomeOf = await outcomes(fetch, asked, callerOf({ untilMs, signal: controller.signal, requestId, trace }))
      for (const id of asked) land(id, outcomeOf(id))
    },
  }
}

/** The time of whoever waits longest: it grows as others join. */
const latestOf =
  <T>(seats: Seats<T>, latestMs: number) =>
  (): number => {
    let untilMs = 0
    for (const tickets of seats.values())
      for (const { waiter } of tickets) untilMs = Math.max(untilMs, waiter.caller.untilMs)
    return Math.min(latestMs, untilMs)
  }

const callerOf = ({ untilMs, ...rest }: Omit<Caller, 'untilMs'> & { untilMs(): number }): Caller => ({
  get untilMs() {
    return untilMs()
  },
  ...rest,
})

async function outcomes<T>(
  fetch: FlightDeps<T>['fetch'],
  ids: string[],
  caller: Caller,
): Promise<(id: string) => Outcome<T>> {
  try {
    const values = await fetch(ids, caller)
    return (id) => {
      const value = values.get(id)
      return value === undefined ? { reason: UNFORESEEN } : { value }
    }
  } catch (error) {
    const reason = error instanceof NeighbourError ? error.reason : UNFORESEEN
    return () => ({ reason })
  }
}
