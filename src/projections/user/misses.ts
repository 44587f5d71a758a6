import type { ReadModelRedis } from '../../ports/redis.ts'
import type { TrueUser } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { type Pause, pause as realPause } from '../pause.ts'
import { orNull, project, type ShownUser, shown } from './shown.ts'
import type { UserReadModel } from './store.ts'

/** How long a reader waits for another's fill before it asks the database itself. */
const FILL_WAIT_MS = 150
const FIRST_LOOK_MS = 3

type Deps = {
  redis: ReadModelRedis
  keys: Keys
  readModel: UserReadModel
  /** Bounded; see gather.ts. */
  readTruth(userId: number): Promise<TrueUser>
  pause?: Pause | undefined
}
type Flight = { atLeast: number; landed: Promise<ShownUser> }

/**
 * Readers who found no bodies. One of them, in all processes, gets the lease and reads the truth for all; here, in one
 * process, those of one turn of the event loop share a flight. Nobody boards one that has taken off: what it reads may be
 * from before this reader asked, and the fence that would tell may have been deleted. `atLeast`: the version of the fence
 * that the reader has found, or was told of; where the truth is before it, the truth is what there is.
 */
export function missReader(deps: Deps) {
  const boarding = new Map<number, Flight>()
  return (userId: number, atLeast: number): Promise<ShownUser> => {
    const open = boarding.get(userId)
    if (open) {
      open.atLeast = Math.max(open.atLeast, atLeast)
      return open.landed
    }
    const { promise: landed, resolve, reject } = Promise.withResolvers<ShownUser>()
    const flight = { atLeast, landed }
    boarding.set(userId, flight)
    setImmediate(() => {
      boarding.delete(userId)
      fly(deps, userId, flight.atLeast).then(resolve, reject)
    })
    return landed
  }
}

async function fly(deps: Deps, userId: number, atLeast: number): Promise<ShownUser> {
  const { redis, keys, readModel, readTruth } = deps
  // Before the truth is read: what a flush has made old cannot be put in after it.
  const incarnation = redis.incarnation(keys.of(userId).inc)
  const answer = incarnation === null ? null : await orNull(readModel.lease(userId, incarnation, atLeast))
  if (incarnation === null || answer === null) return fromTruth(await readTruth(userId))
  if (answer === 'taken') return (await filledByAnother(deps, userId, atLeast)) ?? fromTruth(await readTruth(userId))
  if ('stored' in answer) return shown(userId, answer.stored, 'redis')
  const found = await readTruth(userId)
  if (found.settled) fill(deps, found, incarnation, answer.lease)
  return fromTruth(found)
}

function fromTruth(found: TrueUser): ShownUser {
  return shown(found.userId, project(found), 'database')
}

async function filledByAnother(
  { readModel, pause = realPause }: Deps,
  userId: number,
  atLeast: number,
): Promise<ShownUser | null> {
  const deadline = performance.now() + FILL_WAIT_MS
  for (let pauseMs = FIRST_LOOK_MS; performance.now() + pauseMs < deadline; pauseMs *= 2) {
    await pause(pauseMs)
    const held = await readModel.read(userId)
    if (held?.bodies && held.version >= atLeast) {
      return shown(userId, { version: held.version, bodies: held.bodies }, 'redis')
    }
  }
  return null
}

/** Nobody waits for a fill, and nothing depends on it: when it fails, the next reader fills. */
function fill({ redis, keys, readModel }: Deps, found: TrueUser, incarnation: string, lease: string): void {
  const filling =
    found.version === 0
      ? readModel.ghost(found.userId, incarnation, lease)
      : readModel.apply(project(found), incarnation, lease)
  filling.catch(() => redis.refreshIncarnation(keys.of(found.userId).inc).catch(() => null))
}
