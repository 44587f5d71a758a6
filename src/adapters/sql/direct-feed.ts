import type { FeedObserver } from '../../ports/feed-observer.ts'
import type { ChangeFeed, ChangeSubscriber, FeedMark, Log, Truth } from '../../ports.ts'
import type { ChangeSource } from './changes.ts'
import type { Claim } from './claiming.ts'
import { describeFault } from './fault.ts'
import { claimHandler } from './handling.ts'
import { looping } from './looping.ts'
import type { Parking } from './parked.ts'

const MARK_EVERY_MS = 1_000
/** Claims without a change are rare, and harmless. */
const SWEEP_EVERY_MS = 60_000
const OUTAGE_BASE_MS = 50
const OUTAGE_MAX_MS = 5_000
/** Two workers that wanted the same rows at the same moment part again. */
const CLASH_WAIT_MS = 20
/** A claim is renewed this often while its lease lasts: a slow worker, or a call that failed, does not cost it. */
const RENEWALS_A_LEASE = 3
/** Then a worker that hangs has had its time: twelve leases, longer than any call's limit. */
const MAX_RENEWALS = 36

export type DirectFeedDeps = {
  changes: ChangeSource
  parked: { park(parking: Parking): Promise<boolean> }
  /** Null: nobody can say now. */
  mark(): Promise<FeedMark | null>
  truth: Pick<Truth, 'now'>
  pollMs: number
  leaseMs: number
  log: Log
  observe?: FeedObserver | undefined
}

/**
 * Polls what there is to hand on (the outbox, for one), as one of any number of workers; a wake makes it look at once. While nothing goes through it waits
 * with back-off: nothing is lost, and nothing is forgotten before it has been handled.
 */
export function directFeed(deps: DirectFeedDeps): ChangeFeed {
  return { subscribe: (subscriber) => looping((isStopped) => stepper(deps, subscriber, isStopped)) }
}

/** Each step handles one claim and says how long to wait before the next. */
function stepper(deps: DirectFeedDeps, subscriber: ChangeSubscriber, isStopped: () => boolean) {
  const { changes, pollMs, log, observe } = deps
  const handle = claimHandler({ ...deps, observe }, subscriber, isStopped)
  const keepUp = housekeeper(deps, subscriber)
  let failures = 0
  /** A database that answers again is seen by looking; that changes go through again, only by handling some. */
  let looksCount = false

  const waitOut = (reason: string, looking: boolean): number => {
    failures += 1
    looksCount = looking
    observe?.waited()
    const longest = Math.min(OUTAGE_BASE_MS * 2 ** Math.min(failures, 10), OUTAGE_MAX_MS)
    const waitMs = Math.round(longest * (0.5 + Math.random() / 2))
    if (failures === 1) log.warn({ reason, waitMs }, 'changes wait: nothing goes through now')
    return waitMs
  }
  const isOver = (): void => {
    if (failures > 0) log.info({ failures }, 'changes go through again')
    failures = 0
  }
  return async (): Promise<number> => {
    try {
      await keepUp()
      const claim = await changes.claim()
      if (claim === 'clash') return CLASH_WAIT_MS * Math.random()
      if (claim === 'none') {
        if (looksCount) isOver()
        return pollMs
      }
      const outage = await holding(deps, claim, handle)
      if (outage !== null) return waitOut(outage, false)
      isOver()
      return claim.more ? 0 : pollMs
    } catch (error) {
      return waitOut(describeFault(error), true)
    }
  }
}

/** Renews the claim for as long as it is worked on. */
async function holding(
  { changes, leaseMs, log }: DirectFeedDeps,
  claim: Claim,
  handle: (claim: Claim) => Promise<string | null>,
): Promise<string | null> {
  let renewals = 0
  const renewing = setInterval(() => {
    renewals += 1
    if (renewals > MAX_RENEWALS) {
      clearInterval(renewing)
      return log.warn({ changes: claim.changes.length }, 'changes are taking too long; another worker may take them')
    }
    changes
      .renew(claim.claim)
      .catch((error) => log.debug({ reason: describeFault(error) }, 'a claim could not be renewed'))
  }, leaseMs / RENEWALS_A_LEASE)
  try {
    return await handle(claim)
  } finally {
    clearInterval(renewing)
  }
}

/** What is due now and then, beside handling: the mark, and the removal of claims that belong to no change. */
function housekeeper({ changes, mark, log }: DirectFeedDeps, subscriber: ChangeSubscriber) {
  let markedAt = 0
  let sweptAt = 0
  return async (): Promise<void> => {
    if (Date.now() - markedAt >= MARK_EVERY_MS) {
      const marked = await mark()
      // Kept or not, handling goes on: the mark that stands is older, which is safe.
      if (marked !== null) {
        await subscriber
          .onMark(marked)
          .catch((error) => log.debug({ reason: describeFault(error) }, 'the mark could not be kept'))
      }
      markedAt = Date.now()
    }
    if (Date.now() - sweptAt >= SWEEP_EVERY_MS) {
      await changes.sweep()
      sweptAt = Date.now()
    }
  }
}
