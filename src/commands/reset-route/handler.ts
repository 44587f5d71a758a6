import { DomainError } from '../../domain/errors.ts'
import { routeSwitch } from '../../domain/strangler.ts'
import type { LegacyRoute } from '../../ports/strangler.ts'
import type { SwitchChange, SwitchStore } from '../../ports/switches.ts'
import type { Actor, Clock } from '../../ports.ts'

export type ResetRoute = { route: string; by: Actor }
export type Deps = {
  switches: Pick<SwitchStore, 'update'>
  legacyRoutes: readonly Pick<LegacyRoute, 'id'>[]
  now: Clock
}

/** The route's start value holds again. */
export function resetRoute({ switches, legacyRoutes, now }: Deps) {
  return async ({ route, by }: ResetRoute) => {
    if (!legacyRoutes.some(({ id }) => id === route))
      throw new DomainError('route-not-found', `There is no route "${route}".`)
    const at = now().toISOString()
    const { visible } = await switches.update(routeSwitch(route), by, (current) => decide(route, current, at))
    return { route, setting: null, visible }
  }
}

/** Whatever was set goes, also what cannot be read. */
export function decide(route: string, current: string | null, at: string): SwitchChange | null {
  if (current === null) return null
  return { setting: null, entity: { name: 'route', id: route }, event: { type: 'route-reset', route, at } }
}
