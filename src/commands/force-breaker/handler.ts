import { breakerSwitch, knownNeighbour, type Override, overrideFrom } from '../../domain/breaker.ts'
import type { ForcedState, NeighbourName } from '../../domain/neighbours.ts'
import type { SwitchChange, SwitchStore } from '../../ports/switches.ts'
import type { Actor, Clock } from '../../ports.ts'

export type ForceBreaker = { neighbour: string; to: ForcedState; reason: string; by: Actor }
export type Deps = { switches: Pick<SwitchStore, 'update'>; now: Clock }

export function forceBreaker({ switches, now }: Deps) {
  return async ({ neighbour: name, to, reason, by }: ForceBreaker) => {
    const neighbour = knownNeighbour(name)
    const wanted: Override = { to, reason, by: by.name, at: now().toISOString() }
    const { setting, visible } = await switches.update(breakerSwitch(neighbour), by, (current) =>
      decide(neighbour, overrideFrom(current), wanted),
    )
    return { neighbour, forced: overrideFrom(setting), visible }
  }
}

/** Another reason is something new, and stands in the audit; who asks for what is so already changes nothing. */
export function decide(neighbour: NeighbourName, current: Override | null, wanted: Override): SwitchChange | null {
  const { to, reason, at } = wanted
  if (current?.to === to && current.reason === reason) return null
  return {
    setting: JSON.stringify(wanted),
    entity: { name: 'breaker', id: neighbour },
    event: { type: 'breaker-forced', neighbour, forced: to, reason, at },
  }
}
