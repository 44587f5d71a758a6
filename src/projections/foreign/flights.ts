import type { Caller } from '../../ports/neighbours.ts'
import { type Flight, type FlightDeps, flight, type Outcomes, type Ticket } from './flight.ts'
import type { Waiter } from './waiter.ts'

/** `anyhow`: whatever the claim says, for there is no copy to be shown meanwhile. */
export type Need = 'if-claimed' | 'anyhow'

type Deps<T> = FlightDeps<T> & { idsACall: number }

/**
 * Calls that are shared within this process: who needs an id that is being asked for joins that call. Whoever waits leaves
 * by themselves; a call for which nobody waits any more is aborted, and nobody boards it then. No promise rejects.
 */
export function flights<T>({ idsACall, ...deps }: Deps<T>) {
  const underWay = new Map<string, Flight<T>>()
  const done = (id: string) => void underWay.delete(id)

  return {
    /** By what call it is being asked for: `held`, one that goes on whoever leaves, or one that ends with its readers. */
    callOf(id: string): 'held' | 'waited-for' | null {
      const found = underWay.get(id)
      if (!found) return null
      return found.isHeld(id) ? 'held' : 'waited-for'
    },

    /** Those who are given seats here share the calls, of which there are as few as may be. */
    board() {
      const opened: Flight<T>[] = []
      const open = (id: string, begunBy: Caller): Flight<T> => {
        let last = opened.at(-1)
        if (!last || last.size() >= idsACall) {
          last = flight(deps, begunBy, done)
          opened.push(last)
        }
        last.add(id)
        underWay.set(id, last)
        return last
      }
      const seat = (waiter: Waiter, wanted: Map<string, Need>): Promise<Outcomes<T>> => {
        const left = waiter.left()
        if (left !== null) return Promise.resolve(new Map([...wanted.keys()].map((id) => [id, { reason: left }])))
        const places = new Map<string, Flight<T>>()
        for (const [id, need] of wanted) {
          const found = underWay.get(id) ?? open(id, waiter.caller)
          if (need === 'anyhow') found.need(id)
          places.set(id, found)
        }
        return landed(waiter, places)
      }
      return {
        /** Resolves when each of these ids has an outcome, at the latest when the waiter leaves. */
        seat,
        /** As `seat`, for a waiter who goes away only when a whole call has had its time. */
        hold(waiter: Waiter, ids: string[]): Promise<Outcomes<T>> {
          const outcomes = seat(waiter, new Map(ids.map((id) => [id, 'if-claimed'])))
          for (const id of ids) underWay.get(id)?.hold(id)
          return outcomes
        },
        /** Once, in the same turn of the event loop: before that nothing is asked. */
        takeOff(): void {
          for (const one of opened) void one.fly()
        },
      }
    },
  }
}

function landed<T>(waiter: Waiter, places: Map<string, Flight<T>>): Promise<Outcomes<T>> {
  const outcomes: Outcomes<T> = new Map()
  if (places.size === 0) return Promise.resolve(outcomes)
  return new Promise((resolve) => {
    const ticket: Ticket<T> = {
      waiter,
      land(id, outcome) {
        outcomes.set(id, outcome)
        places.delete(id)
        if (places.size === 0) resolve(outcomes)
      },
    }
    waiter.onLeave((reason) => {
      const flown = Map.groupBy(places.keys(), (id) => places.get(id))
      for (const id of places.keys()) outcomes.set(id, { reason })
      for (const [one, ids] of flown) one?.rise(ids, ticket)
      resolve(outcomes)
    })
    for (const [id, one] of places) one.sit(id, ticket)
  })
}
