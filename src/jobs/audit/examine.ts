import { setTimeout as wait } from 'node:timers/promises'
import type { TrueUser, Truth } from '../../ports.ts'
import type { Cause } from '../../projections/consistency/causes.ts'
import type { States, UserState } from '../../projections/consistency/states.ts'
import { project } from '../../projections/user/shown.ts'
import { compare } from './compare.ts'

/** Work in flight is right soon: most of what differs at first sight is gone at the second or third. */
const QUICK_LOOKS_MS = [50, 400]
/** What a change that has not yet been handled looks like; the rest nothing in flight can look like. */
const LATE: ReadonlySet<Cause> = new Set([
  ...(['missing', 'behind', 'tombstone', 'dirty', 'hint'] as const),
  ...(['ids-missing', 'names-missing', 'roster-missing'] as const),
])

export type Finding = { found: TrueUser; state: UserState; causes: Cause[] }
export type Examined = { checked: number; moving: number; findings: Finding[] }
export type Examine = ReturnType<typeof examiner>
type Deps = {
  truth: Pick<Truth, 'users'>
  states: Pick<States, 'of'>
  /** How long ago a change may have been made that has not yet been handled. */
  lagMs(): number
  /** A difference counts when it is still there after this. */
  recheckAfterMs: number
}

/**
 * Compares users with their copies. A difference counts only if it persists: seen twice, `recheckAfterMs` apart, at one
 * version of the truth. The copy is read again before the truth is, and versions never go back: so the truth was at that
 * version each time that the copy was read, and a copy of a later one really is ahead.
 */
export function examiner({ truth, states, lagMs, recheckAfterMs }: Deps) {
  const first = async (userIds: number[]) => {
    let moving = 0
    let checked = 0
    const suspects: Finding[] = []
    const users = await truth.users(userIds)
    await Promise.all(
      users.map(async (found) => {
        const state = found.settled ? await states.of(project(found)) : null
        if (!found.settled) moving += 1
        if (state === null) return
        checked += 1
        const causes = compare(found, state)
        if (causes.length > 0) suspects.push({ found, state, causes })
      }),
    )
    return { checked, moving, suspects }
  }

  /** Those of whom the same is still to be said, though their version has not moved. */
  const again = async (suspects: Finding[]): Promise<Finding[]> => {
    const held = await Promise.all(suspects.map(({ found }) => states.of(project(found))))
    const users = suspects.length === 0 ? [] : await truth.users(suspects.map(({ found }) => found.userId))
    return suspects.flatMap((suspect, i): Finding[] => {
      const [state, found] = [held[i], users[i]]
      if (!state || !found?.settled || found.version !== suspect.found.version) return []
      if (state.incarnation !== suspect.state.incarnation) return []
      const now = compare(found, state)
      const causes = now.filter((cause) => suspect.causes.includes(cause))
      return causes.length === 0 ? [] : [{ found, state, causes }]
    })
  }

  return async (userIds: number[]): Promise<Examined> => {
    const { checked, moving, suspects } = await first([...new Set(userIds)])
    let remaining = suspects
    let waitedMs = 0
    for (const pauseMs of [...QUICK_LOOKS_MS, recheckAfterMs]) {
      if (remaining.length === 0) break
      await wait(pauseMs)
      waitedMs += pauseMs
      remaining = await again(remaining)
    }
    const findings = lagMs() < waitedMs ? remaining : remaining.flatMap(withoutLate)
    return { checked, moving: moving + suspects.length - findings.length, findings }
  }
}

/** The feed itself is late, which is shown elsewhere: what that explains is no finding. */
function withoutLate(finding: Finding): Finding[] {
  const causes = finding.causes.filter((cause) => !LATE.has(cause))
  return causes.length === 0 ? [] : [{ ...finding, causes }]
}
