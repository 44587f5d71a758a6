import { percentOf, START } from '../../domain/strangler.ts'
import type { EvidenceStore } from '../../ports/evidence.ts'
import { type LegacyRoute, type RouteModes, routeName } from '../../ports/strangler.ts'
import type { Switchboard } from '../../projections/switches/switchboard.ts'
import type { RouteBody } from '../../wire/strangler.ts'

export type Deps = {
  switches: Pick<Switchboard, 'settings'>
  legacyRoutes: readonly Pick<LegacyRoute, 'id' | 'method' | 'path'>[]
  modes: Pick<RouteModes, 'of'>
  evidence: Pick<EvidenceStore, 'read'>
}

/** Rejects with `database-unavailable` while nobody knows what is set: it must not be shown as unset. */
export function listRoutes({ switches, legacyRoutes, modes, evidence }: Deps) {
  return async (): Promise<RouteBody[]> => {
    switches.settings()
    return Promise.all(
      legacyRoutes.map(async (route) => {
        const { mode, setting } = modes.of(route.id)
        return {
          route: route.id,
          name: routeName(route),
          mode: mode.mode,
          percent: percentOf(mode),
          setting,
          // Who answers is told also without Redis.
          evidence: await evidence.read(route.id, setting?.judged ?? setting?.at ?? START).catch(() => null),
        }
      }),
    )
  }
}
