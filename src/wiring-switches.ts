import { subscribe } from './adapters/redis/subscriber.ts'
import { sqlSwitches } from './adapters/sql/switches.ts'
import type { CommandDeps } from './commands/index.ts'
import type { Breakers } from './ports/neighbours.ts'
import type { ReadModelRedis } from './ports/redis.ts'
import type { Database, Log } from './ports.ts'
import type { Keys } from './projections/keys.ts'
import { forceBreakers } from './projections/switches/force-breakers.ts'
import { type Settings, switchboard } from './projections/switches/switchboard.ts'
import { visibleSwitches } from './projections/switches/visible-switches.ts'
import type { QueryDeps } from './queries/index.ts'
import type { Modes } from './strangler/modes.ts'

type Deps = {
  database: Database
  redis: Pick<ReadModelRedis, 'publish'>
  keys: Pick<Keys, 'switched'>
  redisUrl: string
  breakers: Breakers
  modes: Pick<Modes, 'obey'>
  log: Log
  pollMs?: number
}
export type Switches = {
  commands: Pick<CommandDeps, 'switches'>
  queries: Pick<QueryDeps, 'breakers' | 'switches'>
  stop(): Promise<void>
}

/** What operators set at run time, and who obeys it. Resolves when what is set is in force here, if it can be read. */
export async function wireSwitches(deps: Deps): Promise<Switches> {
  const { database, redis, keys, redisUrl, breakers, modes, log } = deps
  const store = sqlSwitches(database)
  const force = forceBreakers(breakers, log)
  const onChange = (settings: Settings) => {
    force(settings)
    modes.obey(settings)
  }
  const board = switchboard({ ...deps, store, onChange })
  const wakes = subscribe(redisUrl, keys.switched, board.wake, log)
  await board.refresh()
  const announce = () => void redis.publish(keys.switched, '').catch(() => undefined)
  return {
    commands: { switches: visibleSwitches({ store, board, announce }) },
    queries: { breakers, switches: board },
    async stop() {
      wakes.close()
      await board.stop()
    },
  }
}
