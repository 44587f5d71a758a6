import { DomainError } from '../../domain/errors.ts'
import type { ChangeSubscriber, FeedObserver, Log, Truth } from '../../ports.ts'
import type { Claim, ClaimedChange, SqlChanges } from './changes.ts'
import { elapsedMs } from './database-time.ts'
import { isSqlError } from './errors.ts'
import { describeFault } from './fault.ts'
import type { SqlParked } from './parked.ts'

/** With the waits between them, about eight seconds: readers begin to doubt everything when the mark is 30 s old. */
const MAX_ATTEMPTS = 6
const RETRY_BASE_MS = 250
const RETRY_MAX_MS = 4_000
/** Tries that never ended, because the worker died, say less about the change: a machine may die of anything. */
const MAX_TAKEOVERS = 10

export type HandlingDeps = {
  changes: SqlChanges
  parked: SqlParked
  truth: Pick<Truth, 'now'>
  log: Log
  observe: FeedObserver | undefined
}
/** Claimed changes of one entity: they are handled, fail, and are parked together. */
type Group = ClaimedChange[]

/**
 * Hands a claim's changes on. What fails together is split, so that the faulty alone are left; these are tried again
 * later, and parked at last. Blame needs proof: a change is at fault only while a change of somebody else goes through,
 * and never for an error that is an outage by its kind. In doubt everything waits, and nothing is counted. Answers why
 * nothing goes through now, or null; what was not handled has been given back.
 */
export function claimHandler(deps: HandlingDeps, subscriber: ChangeSubscriber, isStopped: () => boolean) {
  const settle = settler(deps, subscriber)

  const tryPart = async (claim: string, part: Group[]): Promise<Failure | null> => {
    if (isExhausted(part)) return { error: new NeverEndedError(), isOutage: false }
    try {
      await subscriber.handle(part.flat())
    } catch (error) {
      return { error, isOutage: isOutage(subscriber, error) }
    }
    await putAway(deps, claim, part.flat())
    return null
  }

  return async ({ claim, changes }: Claim): Promise<string | null> => {
    const parts: Group[][] = [byEntity(changes)]
    let othersPass = false
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const rest = [part, ...parts].flat(2)
      if (isStopped()) return giveBack(deps, claim, rest, null)
      try {
        const failure = await tryPart(claim, part)
        if (failure === null) continue
        const isSingle = part.length === 1
        othersPass = (othersPass && !isSingle) || (await subscriber.othersGoThrough(part.flat()))
        if (!othersPass) return giveBack(deps, claim, rest, describeFault(failure.error))
        if (isSingle) await settle(claim, part.flat(), failure)
        else parts.push(...halves(part))
      } catch (error) {
        return giveBack(deps, claim, rest, describeFault(error))
      }
    }
    return null
  }
}
type Failure = { error: unknown; isOutage: boolean }

class NeverEndedError extends Error {
  constructor() {
    super('the workers that handled it ended each time')
    this.name = 'NeverEndedError'
  }
}
const isExhausted = (part: Group[]): boolean =>
  part.length === 1 && part.flat().some(({ takeovers }) => takeovers >= MAX_TAKEOVERS)

/** Handled: forgotten. */
async function putAway({ changes, truth, observe }: HandlingDeps, claim: string, handled: Group): Promise<void> {
  const handledAt = observe ? await truth.now() : null
  const lost = await changes.forget(claim, idsOf(handled))
  if (handledAt !== null) observe?.handled(handled.map(({ changedAt }) => elapsedMs(changedAt, handledAt)))
  if (lost > 0) observe?.claimsLost(lost)
}

/** What becomes of an entity's changes that fail while others go through. */
function settler({ changes, parked, log, observe }: HandlingDeps, subscriber: ChangeSubscriber) {
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
const isSpent = ({ attempts, takeovers }: ClaimedChange): boolean =>
  attempts + 1 >= MAX_ATTEMPTS || takeovers >= MAX_TAKEOVERS

/** Not worth a failure of its own: what cannot be given back is free when the lease ends. */
async function giveBack<Why>({ changes, log }: HandlingDeps, claim: string, rest: Group, why: Why): Promise<Why> {
  const released = changes.release(claim, idsOf(rest), { attempts: 0, afterMs: 0 })
  await released.catch((error) => log.debug({ reason: describeFault(error) }, 'claims could not be given back'))
  return why
}

function isOutage(subscriber: ChangeSubscriber, error: unknown): boolean {
  if (error instanceof DomainError) return error.code === 'busy' || error.code === 'database-unavailable'
  return isSqlError(error, 'busy') || isSqlError(error, 'unavailable') || subscriber.isOutage(error)
}

function byEntity(changes: ClaimedChange[]): Group[] {
  return [...Map.groupBy(changes, ({ entity, entityId }) => `${entity} ${entityId}`).values()]
}

/** The first half is to be taken next. */
function halves(part: Group[]): Group[][] {
  const middle = Math.ceil(part.length / 2)
  return [part.slice(middle), part.slice(0, middle)]
}

const idsOf = (changes: Group): number[] => changes.map(({ changeId }) => changeId)
