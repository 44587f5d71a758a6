import { DomainError } from '../../domain/errors.ts'
import type { ChangeSubscriber, Truth } from '../../ports.ts'
import type { Claim, ClaimedChange } from './claiming.ts'
import { elapsedMs } from './database-time.ts'
import { isSqlError } from './errors.ts'
import {
  type Failure,
  type Group,
  idsOf,
  isLeftTooOften,
  NeverEndedError,
  type SettlingDeps,
  settler,
} from './failed-changes.ts'
import { describeFault } from './fault.ts'

export type HandlingDeps = SettlingDeps & { truth: Pick<Truth, 'now'> }

/**
 * Hands a claim's changes on. What fails together is split, so that the faulty alone are left; these are tried again
 * later, and parked at last. Blame needs proof: a change is at fault only while a change of somebody else goes through,
 * and never for an error that is an outage by its kind. In doubt everything waits, and nothing is counted. Answers why
 * nothing goes through now, or null; what was not handled has been given back.
 */
export function claimHandler(deps: HandlingDeps, subscriber: ChangeSubscriber, isStopped: () => boolean) {
  const settle = settler(deps, subscriber)

  const tryPart = async (claim: string, part: Group[]): Promise<Failure | null> => {
    if (part.flat().some(isLeftTooOften)) return { error: new NeverEndedError(), isOutage: false }
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

/** Handled: forgotten. */
async function putAway({ changes, truth, observe }: HandlingDeps, claim: string, handled: Group): Promise<void> {
  const handledAt = observe ? await truth.now() : null
  const lost = await changes.forget(claim, idsOf(handled))
  if (handledAt !== null) observe?.handled(handled.map(({ changedAt }) => elapsedMs(changedAt, handledAt)))
  if (lost > 0) observe?.claimsLost(lost)
}

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
