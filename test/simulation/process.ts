import { dataFor, unqueued } from '../../src/jobs/rebuild/rebuild.ts'
import type { Keys, Partition } from '../../src/projections/keys.ts'
import { hints } from '../../src/projections/near/hints.ts'
import { quiet } from '../support/service.ts'
import { simulatedClient } from './client.ts'
import { LONGEST_TRANSACTION_MS, type SimulatedDatabase } from './database.ts'
import { simulatedInvalidations } from './invalidations.ts'
import type { Modules } from './modules.ts'
import type { Floors, NearFloors } from './near-floors.ts'
import type { Schedule } from './schedule.ts'
import type { SimulatedServer } from './server.ts'
import { simulatedIncarnations, simulatedStores, simulatedTruth } from './truth.ts'

export type World = {
  schedule: Schedule
  server: SimulatedServer
  database: SimulatedDatabase
  modules: Modules
  /** Changes wait to be handled for so long that hits are confirmed by the truth. */
  isOld: boolean
}
export type SimulatedProcess = ReturnType<typeof startProcess>

const DEADLINE_MS = 50
/** Enough for everybody that a program is about. */
const NEAR_BYTES = 20_000
const MAX_MEMOISED = 10
/** As many people as nobody has; room for all that production may remember would cost more than the whole schedule. */
const MAX_REMEMBERED = 100
const TAG_BASE = { epoch: 'sim', schema: 1 }

/** One process, API or worker, put together as wiring.ts does, over ports whose every call is scheduled. */
export function startProcess(world: World, name: string, keys: Keys, floors: NearFloors, hasNear: boolean) {
  const { schedule, server, database, modules } = world
  const incarnations = simulatedIncarnations(schedule, name, database)
  const confirm = async (_incKey: string, incarnation: string) =>
    (await incarnations.recorded(keys.tag)).get(0) === incarnation
  const redis = simulatedClient(schedule, name, server, [keys.home.inc], confirm)
  const floor = modules.versionFloor(MAX_REMEMBERED)
  const truth = floor.hearing(simulatedTruth(schedule, name, database))
  const pause = schedule.pause(name)
  const freshness = { isOld: () => world.isOld }
  const schemas = modules.schemaRegistry({ redis, keys, log: quiet })
  const users = modules.userReadModel({ redis, keys, schemas })
  const roles = modules.roleViews({ redis, keys, truth, schemas, freshness, floor })
  const views = modules.userViews({ redis, keys, readModel: users, truth, freshness, floor, pause })
  const projector = modules.projector({ redis, keys, truth, users, roles, schemas, incarnations })
  const guard = modules.incarnationGuard({
    redis,
    keys,
    truth,
    projector,
    schemas,
    incarnations,
    longestTransactionMs: LONGEST_TRANSACTION_MS,
    log: quiet,
  })
  const pages = modules.lists({ redis, keys, views, freshness })
  const projected = modules.readModels({ redis, keys, truth, users, roles, schemas, projector })
  const stores = simulatedStores(schedule, name, database)
  const invalidations = simulatedInvalidations(schedule, name, server, database.time, floors.told)
  const near = hasNear ? modules.nearCaches({ invalidations, keys, freshness, maxBytes: NEAR_BYTES }) : null
  const reads = near
    ? modules.nearReads({ views, roles, near, floor, tagBase: TAG_BASE, known: hints(MAX_MEMOISED) })
    : { views, roles }
  redis.onChange(invalidations)
  let died: (error: Error) => void = () => undefined
  const death = new Promise<never>((_, reject) => {
    died = reject
  })
  death.catch(() => undefined)
  let isBuilding = false

  return {
    name,
    keys,
    redis,
    truth,
    ...reads,
    projector,
    guard,
    near: { floors, caches: near, mute: invalidations.mute },
    /** What the database has said in answers of this process, or its own commands have written. */
    said: { users: new Map<number, number>(), roles: 0 } satisfies Floors,
    holders: modules.holders({ views: reads.views, truths: views.truths }, MAX_MEMOISED),
    lists: modules.userLists({ redis, keys, truth, pages }),
    stores: modules.visibleWrites({ ...stores, readModels: projected, floor, deadlineMs: DEADLINE_MS, pause }),
    /** Rejects when this process dies: whoever waits for its answer gets none. */
    orDeath: <Answer>(answer: Promise<Answer>): Promise<Answer> => Promise.race([answer, death]),
    die() {
      schedule.kill(name)
      died(new Error(`${name} died`))
    },
    /** In the background, one at a time, as the keeper does. */
    build(partitions: Partition[]) {
      if (isBuilding) return
      const data = dataFor(partitions, redis)
      if (data === null) return
      isBuilding = true
      modules
        .rebuilder({ redis, keys, truth, projector, guard })(unqueued(data))
        .catch(() => 0)
        .finally(() => {
          isBuilding = false
        })
    },
  }
}
