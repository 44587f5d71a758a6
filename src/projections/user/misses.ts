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
type Flight = { incarnation: string | null; landed: Promise<ShownUser> }

/**
 * Readers who found no body. One of them, in all processes, gets the lease and reads the truth for all; here, in one
 * process, they share a flight. `atLeast`: the version of the fence that the reader has found, or was told of; what a
 * flight brings that took off before it is too old for this reader. A flight that turns out too old is followed by one
 * that took off later, and by one of one's own; then what the truth says is what there is.
 */
export function missReader(deps: Deps) {
  const flights = new Map<number, Flight>()

  const takeOff = (userId: number, atLeast: number): Flight => {
    // Before the truth is read: what a flush has made old cannot be put in after it.
    const incarnation = deps.redis.incarnation(deps.keys.of(userId).inc)
    const landed = fly(deps, userId, atLeast, incarnation).finally(() => {
      if (flights.get(userId) === flight) flights.delete(userId)
    })
    const flight = { incarnation, landed }
    flights.set(userId, flight)
    return flight
  }
  /** A flight that took off before Redis was emptied may be older than a fence which went with it. */
  const underWay = (userId: number): Flight | null => {
    const flight = flights.get(userId)
    return flight && flight.incarnation === deps.redis.incarnation(deps.keys.of(userId).inc) ? flight : null
  }

  return async (userId: number, atLeast: number): Promise<ShownUser> => {
    // Another's flight may have read Redis before this reader asked: near caches must not keep what it brings.
    const board = (flight: Flight | null) =>
      flight?.landed.then((answer): ShownUser => ({ ...answer, shared: true })) ?? takeOff(userId, atLeast).landed
    const answer = await board(underWay(userId))
    if (answer.version >= atLeast) return answer
    // Whoever else finds theirs too old has taken off by now, and nobody needs to fly alone.
    const next = await board(underWay(userId))
    return next.version >= atLeast ? next : takeOff(userId, atLeast).landed
  }
}

async function fly(deps: Deps, userId: number, atLeast: number, incarnation: string | null): Promise<ShownUser> {
  const { readModel, readTruth } = deps
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
    if (held?.body && held.version >= atLeast) return shown(userId, { version: held.version, body: held.body }, 'redis')
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
