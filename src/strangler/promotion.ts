import { isSameMode, type Mode, modeText } from '../domain/strangler.ts'
import type { Evidence } from '../ports/evidence.ts'
import { overBudget } from './canary/budget.ts'

/** How a route is walked from the legacy application to us. */
const STEPS: readonly Mode[] = [
  { mode: 'shadow' },
  ...[1, 5, 25, 50, 100].map((percent): Mode => ({ mode: 'canary', percent })),
]
const LAST: Mode = { mode: 'native' }

export type Goal = {
  /** A canary of 100 % is still watched and compared; `native` no longer. */
  to: 'canary' | 'native'
  /** A step lasts at least so long. */
  stepMs: number
  /** And until so many answers were compared, in shadow; or given by us, in a canary. */
  least: number
}
export type Standing = { mode: Mode; evidence: Evidence | null; inModeMs: number; isRead: boolean }
export type Advice =
  | { what: 'step'; to: Mode }
  | { what: 'wait'; why: string }
  | { what: 'stop'; why: string }
  | { what: 'done' }

/** What to do with a route next. */
export function advise({ mode, evidence, inModeMs, isRead }: Standing, { to, stepMs, least }: Goal): Advice {
  const steps = [...STEPS.filter((step) => isRead || step.mode !== 'shadow'), ...(to === 'native' ? [LAST] : [])]
  if (mode.mode === 'native') return { what: 'done' }
  if (mode.mode === 'legacy') return { what: 'step', to: steps[0] ?? LAST }
  const why = evidence && against(evidence)
  if (why) return { what: 'stop', why }
  const next = steps[nextIndex(steps, mode)]
  if (next === undefined) return { what: 'done' }
  if (inModeMs < stepMs) return { what: 'wait', why: `in ${modeText(mode)} for too short a time` }
  const lacking = lackingIn(evidence, { mode, isRead, least })
  return lacking === null ? { what: 'step', to: next } : { what: 'wait', why: lacking }
}

/** Of a canary's answers only some are compared; without any, nobody knows whether they are right. */
const COMPARED_SHARE = 0.1

/** What there is too little of yet, in words; null: nothing. */
function lackingIn(
  evidence: Evidence | null,
  { mode, isRead, least }: Pick<Standing, 'mode' | 'isRead'> & Pick<Goal, 'least'>,
): string | null {
  const compared = evidence === null ? 0 : comparedIn(evidence)
  if (mode.mode === 'shadow') return compared < least ? `${compared} of ${least} answers compared` : null
  const given = evidence?.native.requests ?? 0
  if (given < least) return `${given} of ${least} answers given by us`
  const leastCompared = isRead ? Math.ceil(least * COMPARED_SHARE) : 0
  return compared < leastCompared ? `${compared} of ${leastCompared} answers compared` : null
}

/** The first step that is further than the mode: an operator may have set a percentage of their own. */
function nextIndex(steps: readonly Mode[], mode: Mode): number {
  const same = steps.findIndex((step) => isSameMode(step, mode))
  if (same >= 0) return same + 1
  const further = steps.findIndex(
    (step) => step.mode === 'canary' && mode.mode === 'canary' && step.percent > mode.percent,
  )
  return further >= 0 ? further : steps.length
}

/** Why not to go on; null: nothing speaks against it. What differs is for people to look at, however seldom it is. */
function against({ legacy, native, compared, paths }: Evidence): string | null {
  if (compared.mismatch > 0) {
    const where = Object.entries(paths)
      .sort(([, a], [, b]) => b - a)
      .slice(0, MAX_SHOWN_PATHS)
      .map(([path, count]) => `${path} (${count}×)`)
    return `${compared.mismatch} answers differ, at ${where.join(', ')}`
  }
  return overBudget({ legacy, native, compared: comparedIn({ compared }), mismatched: compared.mismatch })
}
const MAX_SHOWN_PATHS = 5

/** Those that came to a result. */
export function comparedIn({ compared }: Pick<Evidence, 'compared'>): number {
  return compared.equal + compared.mismatch + compared.noise + compared.race
}
