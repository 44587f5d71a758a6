import { breakerSwitch, overrideFrom } from '../../domain/breaker.ts'
import { NEIGHBOURS } from '../../domain/neighbours.ts'
import type { Breakers } from '../../ports/neighbours.ts'
import type { Switchboard } from '../../projections/switches/switchboard.ts'
import type { BreakerBody } from '../../wire/breaker.ts'

export type Deps = { breakers: Pick<Breakers, 'reports'>; switches: Pick<Switchboard, 'settings'> }

export function listBreakers({ breakers, switches }: Deps) {
  return (): BreakerBody[] => {
    const settings = switches.settings()
    const reports = breakers.reports()
    return NEIGHBOURS.map((neighbour) => {
      const report = reports.find((each) => each.neighbour === neighbour)
      const forced = overrideFrom(settings.get(breakerSwitch(neighbour)) ?? null)
      return { neighbour, state: report?.state ?? 'not-configured', forced, since: report?.since ?? null }
    })
  }
}
