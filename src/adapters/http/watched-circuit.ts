import type { ForcedState, NeighbourName } from '../../domain/neighbours.ts'
import type { BreakerReport, NeighbourObserver } from '../../ports/neighbours.ts'
import type { Log } from '../../ports.ts'
import { type CircuitLimits, circuit } from './circuit.ts'
import { verdictOf } from './failure.ts'

type Deps = { neighbour: NeighbourName; limits: CircuitLimits; log: Log; observer: NeighbourObserver }

/** A neighbour's circuit that says once when it changes, and since when it is as it is. */
export function watchedCircuit({ neighbour, limits, log, observer }: Deps) {
  let since = new Date()
  let told = 'closed null'
  const breaker = circuit({
    ...limits,
    verdictOf,
    onChange(state, forced) {
      observer.changed(neighbour, state)
      // It tries each time that it has been open for a while: only the beginning and the end are news.
      if (state === 'half-open' || told === `${state} ${forced}`) return
      told = `${state} ${forced}`
      since = new Date()
      if (state === 'open') log.warn({ neighbour, forced }, 'a neighbour is not asked any more')
      else log.info({ neighbour, forced }, 'a neighbour is asked again')
    },
  })
  observer.changed(neighbour, breaker.state())
  return {
    run: breaker.run,
    stop: breaker.stop,
    report: (): BreakerReport => ({
      neighbour,
      state: breaker.state(),
      forced: breaker.forced(),
      since: since.toISOString(),
    }),
    force: (forced: ForcedState | null) => breaker.force(forced),
  }
}
