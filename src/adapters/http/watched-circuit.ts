import type { ForcedState, NeighbourName } from '../../domain/neighbours.ts'
import type { BreakerReport, BreakerState, NeighbourObserver } from '../../ports/neighbours.ts'
import type { Log } from '../../ports.ts'
import { type CircuitLimits, circuit } from './circuit.ts'
import { verdictOf } from './failure.ts'

type Deps = { neighbour: NeighbourName; limits: CircuitLimits; log: Log; observer: NeighbourObserver }

/** A neighbour's circuit that says once when it changes, and since when it is as it is. */
export function watchedCircuit({ neighbour, limits, log, observer }: Deps) {
  let since = new Date()
  let told: { state: BreakerState; forced: ForcedState | null } = { state: 'closed', forced: null }
  const breaker = circuit({
    ...limits,
    verdictOf,
    onChange(state, forced) {
      observer.changed(neighbour, state)
      // It tries each time that it has been open for a while: only the beginning and the end are news.
      if (state === 'half-open' || (state === told.state && forced === told.forced)) return
      if (state !== told.state) since = new Date()
      if (state === 'open') log.warn({ neighbour, forced }, 'a neighbour is not asked any more')
      else if (forced === 'closed') log.warn({ neighbour, forced }, 'a neighbour is asked, however ill it is')
      else if (told.state === 'open') log.info({ neighbour, forced }, 'a neighbour is asked again')
      else log.info({ neighbour, forced }, 'a neighbour’s breaker decides by itself again')
      told = { state, forced }
    },
  })
  return {
    run: breaker.run,
    open: breaker.open,
    stop: breaker.stop,
    report: (): BreakerReport => ({
      neighbour,
      state: breaker.state(),
      forced: breaker.forced(),
      since: since.toISOString(),
    }),
    force: breaker.force,
  }
}
