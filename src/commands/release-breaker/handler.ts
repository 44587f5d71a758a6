import { breakerSwitch, knownNeighbour, overrideFrom } from '../../domain/breaker.ts'
import type { NeighbourName } from '../../domain/neighbours.ts'
import type { SwitchChange, SwitchStore } from '../../ports/switches.ts'
import type { Actor, Clock } from '../../ports.ts'

export type ReleaseBreaker = { neighbour: string; by: Actor }
export type Deps = { switches: Pick<SwitchStore, 'update'>; now: Clock }

export function releaseBreaker({ switches, now }: Deps) {
  return async ({ neighbour: name, by }: ReleaseBreaker) => {
    const neighbour = knownNeighbour(name)
    const at = now().toISOString()
    const { setting, visible } = await switches.update(breakerSwitch(neighbour), by, (current) =>
      decide(neighbour, current, at),
    )
    return { neighbour, forced: overrideFrom(setting), visible }
  }
}

/** Whatever is set goes, also what nobody can read. */
export function decide(neighbour: NeighbourName, current: string | null, at: string): SwitchChange | null {
  if (current === null) return null
  return {
    setting: null,
    entity: { name: 'breaker', id: neighbour },
    event: { type: 'breaker-released', neighbour, at },
  }
}
