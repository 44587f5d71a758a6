import type { FeedObserver } from '../../ports/feed-observer.ts'
import type { ChangeSubscriber, Log } from '../../ports.ts'
import type { ChangeSource } from './changes.ts'
import type { ClaimedChange } from './claiming.ts'
import { describeFault } from './fault.ts'
import type { Parking } from './parked.ts'

/** With the waits between them, about eight seconds: readers begin to doubt everything when the mark is 30 s old. */
const MAX_ATTEMPTS = 6
const RETRY_BASE_MS = 250
const RETRY_MAX_MS = 4_000
/** Tries that never ended, because the worker died, say less about the change: a machine may die of anything. */
const MAX_TAKEOVERS = 10

export type SettlingDeps = {
  changes: ChangeSource
  parked: { park(parking: Parking): Promise<boolean> }
  log: Log
  observe: FeedObserver | undefined
}
/** Claimed changes of one entity: they are handled, fail, and are parked together. */
export type Group = ClaimedChange[]
export type Failure = { error: unknown; isOutage: boolean }

/** What becomes of an entity's changes that fail while others go through. */
export function settler({ changes, parked, log, observe }: SettlingDeps, subscriber: ChangeSubscriber) {
  const retryLater = async (claim: string, group: Group, counted: 0 | 1): Promise<void> => {
    const tries = Math.max(...group.map(({ attempts }) => attempts))
    const longest = counted === 1 ? Math.min(RETRY_BASE_MS * 2 ** tries, RETRY_MAX_MS) : RETRY_MAX_MS
    const afterMs = longest * (0.5 + Math.random() / 2)
    const held = await changes.release(claim, idsOf(group), { attempts: counted, afterMs })
    observe?.retried(held)
    if (held < group.length) observe?.claimsLost(group.length - held)
  }
  const park = async (claim: string, group: Group, error: string, tried: 0 | 1): Promise<void> => {
    for (const change of group) {
      const attempts = change.attempts + change.takeovers + tried
      if (!(await parked.park({ claim, change, error, attempts }))) continue
      observe?.parked(1)
      const { changeId, entity, entityId } = change
      log.warn({ changeId, entity, entityId, error, attempts }, 'parked a change; see `users-service parked list`')
    }
  }
  return async (claim: string, group: Group, { error, isOutage: isOut }: Failure): Promise<void> => {
    const [change] = group
    const reason = describeFault(error)
    const spent = isOut ? [] : group.filter(isSpent)
    const others = group.filter((each) => !spent.includes(each))
    if (others.length > 0) {
      const about = { entity: change?.entity, entityId: change?.entityId, changes: others.length, reason }
      log.info(about, 'a change does not go through while others do; it will be tried again')
      await retryLater(claim, others, isOut ? 0 : 1)
    }
    if (!change || spent.length === 0) return
    try {
      await subscriber.giveUp(change)
    } catch (failure) {
      const about = { entity: change.entity, entityId: change.entityId, reason, why: describeFault(failure) }
      log.warn(about, 'a change can be neither handled nor given up')
      return retryLater(claim, spent, 0)
    }
    await park(claim, spent, reason, error instanceof NeverEndedError ? 0 : 1)
  }
}

export class NeverEndedError extends Error {
  constructor() {
    super('the workers that handled it ended each time')
    this.name = 'NeverEndedError'
  }
}

/** Not to be tried once more. Such a change has been alone in its claim for long. */
export const isLeftTooOften = ({ takeovers }: ClaimedChange): boolean => takeovers >= MAX_TAKEOVERS

const isSpent = (change: ClaimedChange): boolean => change.attempts + 1 >= MAX_ATTEMPTS || isLeftTooOften(change)

export const idsOf = (changes: ClaimedChange[]): number[] => changes.map(({ changeId }) => changeId)
