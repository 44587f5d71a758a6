import { type Caller, NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'
import type { Copies } from './copies.ts'
import type { Clock, Waiter } from './waiter.ts'

/** Why what is shown is not fresh. `refreshing`: it was not asked for, because another process is at it, or just was. */
export type Reason = NoAnswer | 'refreshing'
export type Outcome<T> = { value: T | null } | { reason: Reason }
export type Outcomes<T> = Map<string, Outcome<T>>

export type FlightDeps<T> = Pick<Copies<T>, 'claim' | 'release' | 'keep'> & {
  /** One each. Rejects with NeighbourError. */
  fetch(ids: string[], caller: Caller): Promise<Map<string, T | null>>
  /** A call takes no longer. */
  callMs: number
  /** Milliseconds since 1970. */
  now(): number
  clock: Clock
}
/** Who waits for some ids, in one flight or in several. */
export type Ticket<T> = { waiter: Waiter; land(id: string, outcome: Outcome<T>): void }
/** Of the ids without an outcome: who waits for them. */
type Seats<T> = Map<string, Set<Ticket<T>>>

/** A call that fails since the neighbour had no time is made anew for who has more, but not for each who joins it. */
const MAX_CALLS = 2
/** What a call is thought to be that fails otherwise than was agreed. */
const UNFORESEEN: NoAnswer = 'wrong-answer'

export type Flight<T> = ReturnType<typeof flight<T>>

/** One call, and all who wait for it. `onDone`: an id has its outcome, or will have none. */
export function flight<T>(deps: FlightDeps<T>, begunBy: Caller, onDone: (id: string) => void) {
  const { callMs, clock } = deps
  const seats: Seats<T> = new Map()
  const needed = new Set<string>()
  const held = new Set<string>()
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
  const ask = async (ids: string[]): Promise<Heard<T>> => {
    const { requestId, trace } = begunBy
    for (let calls = 1; ; calls += 1) {
      const untilMs = latestOf(seats, clock.now() + callMs)
      const heard = await hear(deps, ids, callerOf({ untilMs, signal: controller.signal, requestId, trace }))
      if (!heard.isHurried || calls === MAX_CALLS || untilMs() <= clock.now()) return heard
    }
  }
  return {
    size: () => seats.size,
    /** Before it takes off. */
    add: (id: string) => void seats.set(id, new Set()),
    /** It is to be asked for whatever the claim says. */
    need: (id: string) => void needed.add(id),
    /** Somebody sits there for this id who stays for a whole call. */
    hold: (id: string) => void held.add(id),
    isHeld: (id: string): boolean => held.has(id),
    sit: (id: string, ticket: Ticket<T>) => void seats.get(id)?.add(ticket),
    rise(ids: string[], ticket: Ticket<T>): void {
      for (const id of ids) seats.get(id)?.delete(ticket)
      abortIfEmpty()
    },
    async fly(): Promise<void> {
      const ids = [...seats.keys()]
      const claimed = await claimedOf(
        deps,
        ids.filter((id) => !needed.has(id)),
      )
      // Who joined meanwhile may need it.
      for (const id of ids) if (!claimed.has(id) && !needed.has(id)) land(id, { reason: 'refreshing' })
      abortIfEmpty()
      const asked = [...seats.keys()]
      const heard = asked.length > 0 ? await ask(asked) : UNASKED
      settle(deps, asked, claimed, heard)
      for (const id of asked) land(id, outcomeOf(heard, id))
    },
  }
}

async function claimedOf<T>({ claim }: FlightDeps<T>, ids: string[]): Promise<Set<string>> {
  const claims = await Promise.all(ids.map(claim))
  return new Set(ids.filter((_, i) => claims[i]))
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

/** `isHurried`: it says nothing of what who has more time would hear. */
type Heard<T> =
  | { at: number; values: Map<string, T | null>; isHurried: false }
  | { reason: NoAnswer; isHurried: boolean }
/** Nobody waits any more. */
const UNASKED = { reason: 'cancelled', isHurried: false } as const

async function hear<T>({ fetch, now }: FlightDeps<T>, ids: string[], caller: Caller): Promise<Heard<T>> {
  // Before it is asked: the answer is no older than that.
  const at = now()
  try {
    return { at, values: await fetch(ids, caller), isHurried: false }
  } catch (error) {
    if (!(error instanceof NeighbourError)) return { reason: UNFORESEEN, isHurried: false }
    return { reason: error.reason, isHurried: error.isHurried }
  }
}

/** Keeps what was heard. Who is ill is asked once a claim; else others may ask as soon as this is over. */
function settle<T>({ keep, release }: FlightDeps<T>, asked: string[], claimed: Set<string>, heard: Heard<T>): void {
  if (!('values' in heard)) {
    if (heard.isHurried || heard.reason === 'cancelled') for (const id of claimed) void release(id)
    return
  }
  for (const id of asked) {
    const value = heard.values.get(id)
    if (value === undefined) continue
    const kept = keep(id, { at: heard.at, value })
    if (claimed.has(id)) void kept.then((isKept) => (isKept ? release(id) : undefined))
  }
}

function outcomeOf<T>(heard: Heard<T>, id: string): Outcome<T> {
  if (!('values' in heard)) return { reason: heard.reason }
  const value = heard.values.get(id)
  return value === undefined ? { reason: UNFORESEEN } : { value }
}
