import { breakerSwitch, overrideFrom } from '../../domain/breaker.ts'
import { type ForcedState, NEIGHBOURS, type NeighbourName } from '../../domain/neighbours.ts'
import type { Breakers } from '../../ports/neighbours.ts'
import type { Log } from '../../ports.ts'
import type { Settings } from './switchboard.ts'

/**
 * Makes this process's breakers obey what operators have set. Each is told only of what is new to it: a breaker that is
 * told to decide by itself forgets what it has seen.
 */
export function forceBreakers(breakers: Pick<Breakers, 'force'>, log: Log): (settings: Settings) => void {
  const told = new Map<NeighbourName, ForcedState>()
  return (settings) => {
    for (const neighbour of NEIGHBOURS) {
      const setting = settings.get(breakerSwitch(neighbour)) ?? null
      const override = overrideFrom(setting)
      if (setting !== null && override === null)
        log.warn({ neighbour }, 'what is set for this breaker cannot be read; it decides by itself')
      const forced = override?.to ?? null
      if (forced === (told.get(neighbour) ?? null)) continue
      breakers.force(neighbour, forced)
      if (forced === null) told.delete(neighbour)
      else told.set(neighbour, forced)
    }
  }
}
