import {
  checkMode,
  type Mode,
  modeFrom,
  modeText,
  type RouteSetting,
  routeSettingFrom,
  routeSwitch,
} from '../domain/strangler.ts'
import { type LegacyRoute, type RouteModes, routeName } from '../ports/strangler.ts'
import type { Log } from '../ports.ts'

type Described = Pick<LegacyRoute, 'id' | 'method' | 'path'>
type InForce = ReturnType<RouteModes['of']> & { text: string | null }
type Deps = {
  routes: readonly Described[]
  /** What holds where operators have set nothing. */
  start: ReadonlyMap<string, Mode>
  /** Told of each route at once, and whenever its mode is another. */
  onMode(routeId: string, mode: Mode): void
  log: Log
}

const LEGACY: Mode = { mode: 'legacy' }

export type Modes = RouteModes & {
  /** All switches, whenever one has changed. */
  obey(settings: ReadonlyMap<string, string>): void
  /** In this process only, until the route's switch says something else than it does now. */
  setBack(routeId: string, setting: RouteSetting): void
}

/** In which mode each route is: as operators have set it, else as it starts, else legacy. */
export function routeModes({ routes, start, onMode, log }: Deps): Modes {
  const inForce = new Map<string, InForce>()
  const startOf = (id: string): Mode => start.get(id) ?? LEGACY
  const put = (id: string, now: InForce): void => {
    inForce.set(id, now)
    onMode(id, now.mode)
  }
  for (const { id } of routes) put(id, { mode: startOf(id), setting: null, text: null })

  const read = ({ id, ...route }: Described, text: string | null): InForce => {
    const setting = routeSettingFrom(text)
    if (text !== null && !isAllowed(route, setting)) {
      // Who answers is not guessed: the legacy application can answer everything that it ever has.
      log.warn({ route: id }, 'what is set for this route cannot be read; the legacy application answers it')
      return { mode: LEGACY, setting: null, text }
    }
    return { mode: setting ? modeOf(setting) : startOf(id), setting, text }
  }
  return {
    of: (routeId) => inForce.get(routeId) ?? { mode: LEGACY, setting: null },
    obey(settings) {
      for (const route of routes) {
        const text = settings.get(routeSwitch(route.id)) ?? null
        const before = inForce.get(route.id)
        // Unchanged, also where this process has set it back since.
        if (before?.text === text) continue
        const now = read(route, text)
        put(route.id, now)
        const { by, reason } = now.setting ?? { by: null, reason: null }
        log.info({ route: route.id, mode: modeText(now.mode), by, reason }, 'a route is in another mode')
      }
    },
    setBack(routeId, setting) {
      const before = inForce.get(routeId)
      if (before) put(routeId, { ...before, mode: modeOf(setting), setting })
    },
  }
}

function modeOf(setting: RouteSetting): Mode {
  return setting.mode === 'canary' ? { mode: 'canary', percent: setting.percent } : { mode: setting.mode }
}

function isAllowed(route: Omit<Described, 'id'>, mode: Mode | null): boolean {
  if (mode === null) return false
  try {
    checkMode({ name: routeName(route), method: route.method }, mode)
    return true
  } catch {
    return false
  }
}

/** What a file of start values says: `{"get-user": "native", "get-permissions": {"mode": "canary", "percent": 5}}`. */
export function startModes(given: Record<string, unknown>, routes: readonly Described[]): Map<string, Mode> {
  const modes = new Map<string, Mode>()
  for (const [name, value] of Object.entries(given)) {
    const route = routeNamed(routes, name)
    if (route === undefined) throw new RangeError(`there is no route "${name}"`)
    const mode = modeFrom(typeof value === 'string' ? { mode: value } : value)
    if (mode === null) throw new RangeError(`route "${name}" has a mode that there is not`)
    checkMode({ name: routeName(route), method: route.method }, mode)
    modes.set(route.id, mode)
  }
  return modes
}

/** By its id, or by its name with or without the slash at the end. */
export function routeNamed<Route extends Described>(routes: readonly Route[], name: string): Route | undefined {
  const bare = name.length > 1 ? name.replace(/\/$/, '') : name
  return routes.find((route) => route.id === name || routeName(route) === bare)
}
