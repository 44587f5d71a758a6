import { setTimeout as wait } from 'node:timers/promises'
import type { ReadModelRedis, TrueUser } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { orNull, project, type ShownUser, shown } from './shown.ts'
import type { UserReadModel } from './store.ts'

/** How long a reader waits for another's fill before it asks the database itself. */
const FILL_WAIT_MS = 150
const FIRST_LOOK_MS = 3
/** A flight that turns out too old is followed by one of one's own; then what the truth says is what there is. */
const MAX_FLIGHTS = 3

type Deps = {
  redis: ReadModelRedis
  keys: Keys
  readModel: UserReadModel
  /** Bounded; see gather.ts. */
  readTruth(userId: number): Promise<TrueUser>
}

/**
 * Readers who found no body. One of them, in all processes, gets the lease and reads the truth for all; here, in one
 * process, they share a flight. `atLeast`: the version of the fence that the reader has found, or was told of; what a
 * flight brings that took off before it is too old for this reader.
 */
export function missReader(deps: Deps) {
  const flights = new Map<number, Promise<ShownUser>>()

  const takeOff = (userId: number, atLeast: number): Promise<ShownUser> => {
    const flight = fly(deps, userId, atLeast).finally(() => {
      if (flights.get(userId) === flight) flights.delete(userId)
    })
    flights.set(userId, flight)
    return flight
  }

  return async (userId: number, atLeast: number): Promise<ShownUser> => {
    const joined = flights.get(userId)
    let answer: ShownUser = joined ? { ...(await joined), shared: true } : await takeOff(userId, atLeast)
    for (let flown = 1; answer.version < atLeast && flown < MAX_FLIGHTS; flown += 1)
      answer = await takeOff(userId, atLeast)
    return answer
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

async function filledByAnother({ readModel }: Deps, userId: number, atLeast: number): Promise<ShownUser | null> {
  const deadline = performance.now() + FILL_WAIT_MS
  for (let pauseMs = FIRST_LOOK_MS; performance.now() + pauseMs < deadline; pauseMs *= 2) {
    await wait(pauseMs)
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
