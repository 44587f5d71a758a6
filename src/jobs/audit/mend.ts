import type { VersionBumps } from '../../ports/jobs.ts'
import type { Log } from '../../ports.ts'
import type { Cause } from '../../projections/consistency/causes.ts'
import type { States } from '../../projections/consistency/states.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import type { Keys } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Finding } from './examine.ts'

/** The version says nothing of these: unless it moves, copies elsewhere would stay as they are. */
const UNDER_SAME_VERSION: ReadonlySet<Cause> = new Set(['content', 'terms', 'tombstone', 'undead', 'uncounted'])

export type Mend = ReturnType<typeof mender>
type Deps = {
  keys: Keys
  states: Pick<States, 'withdraw' | 'raiseAlarm'>
  projector: Pick<Projector, 'projectUsers'>
  bumps: VersionBumps
  tally: Pick<Tally, 'found' | 'mended' | 'alarm'>
  /** Another release works on the same changes, and only fences here. */
  isShared(): Promise<boolean>
  /** Looks at a user again. */
  causesNow(found: Finding['found']): Promise<Cause[]>
  log: Log
}

/**
 * Puts findings right, counts them, and answers how many count. A fence that another release has left is in order, and
 * only projected. Nothing is put right where Redis is ahead of the database: nobody but the operator knows which of the
 * two histories counts.
 */
export function mender(deps: Deps) {
  const { keys, tally, log } = deps
  return async (findings: Finding[]): Promise<number> => {
    const isShared = findings.length > 0 && (await deps.isShared())
    let counted = 0
    for (const finding of findings) {
      const { found, causes } = finding
      if (isShared && causes.every((cause) => cause === 'dirty')) {
        await putRight(deps, finding).catch(() => undefined)
        continue
      }
      counted += 1
      const about = { userId: found.userId, version: found.version, held: finding.state.version, causes }
      await tally.found(causes)
      if (causes.includes('ahead')) {
        await raiseAlarm(deps, keys.of(found.userId).index, finding.state.incarnation)
        log.error(about, 'the auditor found a copy that is ahead of the database')
        continue
      }
      log.warn(about, 'the auditor found a difference')
      await putRight(deps, finding).catch((error) => {
        log.warn({ userId: found.userId, reason: String(error) }, 'a difference could not be mended now')
      })
      const left = await deps.causesNow(found)
      await tally.mended(causes.filter((cause) => !left.includes(cause)))
    }
    return counted
  }
}

async function putRight({ keys, states, projector, bumps }: Deps, { found, state, causes }: Finding): Promise<void> {
  const { userId, version } = found
  const partition = keys.of(userId)
  const isSameVersion = causes.includes('uncounted') || state.version === version
  if (isSameVersion && causes.some((cause) => UNDER_SAME_VERSION.has(cause))) await bumps.user(userId, version)
  await projector.projectUsers([userId])
  // An id that never existed is not projected.
  if (causes.includes('ids-extra')) {
    const { incarnation, terms } = state
    await states.withdraw({ partition, incarnation, userId, terms, key: partition.ids, member: String(userId) })
  }
}

/** Lists are off from here on, and stay off: see keep-projected and rebuild. */
export async function raiseAlarm(
  { keys, states, tally, log }: Pick<Deps, 'keys' | 'states' | 'tally' | 'log'>,
  index: number,
  incarnation: string,
): Promise<void> {
  const partition = keys.partitions[index]
  if (!partition || !(await states.raiseAlarm(partition, incarnation))) return
  await tally.alarm(index, incarnation)
  log.error(
    { partition: index },
    'Redis is ahead of the database, which must have lost commits (a restore, a failover). Lists come from the database. ' +
      'Set another service_epoch.epoch and restart every process: then nothing of the lost history is served any more.',
  )
}
