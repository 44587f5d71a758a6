import { sqlSwitches } from './adapters/sql/switches.ts'
import { resetRoute } from './commands/reset-route/handler.ts'
import { setRoute } from './commands/set-route/handler.ts'
import type { Config } from './config.ts'
import type { Log } from './ports.ts'
import { readStarts } from './projections/evidence/starts.ts'
import { evidenceStore } from './projections/evidence/store.ts'
import { listRoutes } from './queries/list-routes/handler.ts'
import { routeNamed } from './strangler/modes.ts'
import { wireLegacyRoutes } from './wiring.ts'
import { wireCore } from './wiring-core.ts'
import { startOf, wireModes } from './wiring-strangler.ts'

export { UNLIMITED } from './domain/authority.ts'
export { MODES, type ModeName, PARACHUTE } from './domain/strangler.ts'
export { percentile } from './strangler/evidence/latency.ts'
export { advise, comparedIn, type Goal } from './strangler/promotion.ts'

/** For the command line: what is said of routes, out of the database; how they do, out of Redis. */
export async function openStrangler(config: Config, log: Log) {
  const parts = await wireCore(config, log)
  const { database, redis, keys, close } = parts
  const where = { redis, epoch: keys.epoch }
  const routes = wireLegacyRoutes(config, parts)
  const store = sqlSwitches(database)
  const deps = { switches: store, legacyRoutes: routes, now: () => new Date() }
  const [set, reset] = [setRoute(deps), resetRoute(deps)]
  /** Wakes the replicas; those that are not woken look within a second. */
  const told = async <Result>(result: Promise<Result>): Promise<Result> => {
    const done = await result
    await redis.publish(keys.switched, '').catch(() => undefined)
    return done
  }
  return {
    /** By id or name; undefined: there is none. */
    find: (name: string) => routeNamed(routes, name),
    async list() {
      // The replicas' own word goes before what this process has been given.
      const start = (await readStarts(where)) ?? startOf(config.legacy, routes)
      const modes = wireModes({ routes, start, metrics: { inMode: () => undefined }, log })
      const settings = await store.all()
      modes.obey(settings)
      const switches = { settings: () => settings }
      return listRoutes({ switches, legacyRoutes: routes, modes, evidence: evidenceStore(where) })()
    },
    set: (command: Parameters<typeof set>[0]) => told(set(command)),
    reset: (command: Parameters<typeof reset>[0]) => told(reset(command)),
    close,
  }
}
export type Strangler = Awaited<ReturnType<typeof openStrangler>>
