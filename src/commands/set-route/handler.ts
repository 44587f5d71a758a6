import { DomainError } from '../../domain/errors.ts'
import {
  checkMode,
  isSameMode,
  type Mode,
  percentOf,
  type RouteSetting,
  routeSettingFrom,
  routeSwitch,
} from '../../domain/strangler.ts'
import { type LegacyRoute, routeName } from '../../ports/strangler.ts'
import type { SwitchChange, SwitchStore } from '../../ports/switches.ts'
import type { Actor, Clock } from '../../ports.ts'

export type SetRoute = {
  /** Its id. */
  route: string
  to: Mode
  reason: string
  by: Actor
  /** When it was set last (null: it is not set); is it no longer so, nothing is done. Absent: whatever it is. */
  ifSetAt?: string | null
}
export type Deps = {
  switches: Pick<SwitchStore, 'update'>
  legacyRoutes: readonly Pick<LegacyRoute, 'id' | 'method' | 'path'>[]
  now: Clock
}

export function setRoute({ switches, legacyRoutes, now }: Deps) {
  return async ({ route: id, to, reason, by, ifSetAt }: SetRoute) => {
    const route = legacyRoutes.find((one) => one.id === id)
    if (route === undefined) throw new DomainError('route-not-found', `There is no route "${id}".`)
    checkMode({ name: routeName(route), method: route.method }, to)
    const wanted: RouteSetting = { ...to, reason, by: by.name, at: now().toISOString() }
    const { setting, visible } = await switches.update(routeSwitch(id), by, (current) => {
      const before = routeSettingFrom(current)
      return ifSetAt !== undefined && (before?.at ?? null) !== ifSetAt ? null : decide(id, before, wanted)
    })
    return { route: id, setting: routeSettingFrom(setting), visible }
  }
}

/** Another reason is something new, and stands in the audit; who asks for what is so already changes nothing. */
export function decide(route: string, current: RouteSetting | null, wanted: RouteSetting): SwitchChange | null {
  const { mode, reason, at } = wanted
  if (current !== null && isSameMode(current, wanted) && current.reason === reason) return null
  return {
    setting: JSON.stringify(wanted),
    entity: { name: 'route', id: route },
    event: { type: 'route-set', route, mode, percent: percentOf(wanted), reason, at },
  }
}
