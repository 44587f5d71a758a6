import { type Answer, textOf } from '../load/answer.ts'
import { faultOf, sourceOf } from '../load/check.ts'
import type { Question } from '../load/load.ts'
import type { OpenLoad, Verdict } from './open-load.ts'

export type Judged = { verdict: Verdict; reasons: string[]; fault: string | null }

type Entry = { part: string; reason: string; asOf: string | null }

export function judged(how: OpenLoad['judge'], question: Question, answer: Answer): Judged {
  const fault = faultOf(question, answer, sourceOf(answer))
  if (fault !== null) return { verdict: 'error', reasons: [], fault }
  return how === 'profile' ? judgedProfile(answer) : { verdict: 'whole', reasons: [], fault: null }
}

/** A part that is missing weighs more than one that is old. */
function judgedProfile(answer: Answer): Judged {
  const text = textOf(answer)
  const { branches, employment, degraded } = JSON.parse(text) as Profile
  const reasons = [...new Set(degraded.map(({ part, reason }) => `${part} ${reason}`))]
  const isShort = branches.some(({ details }) => details === null) || employment === null
  if (degraded.some(({ asOf }) => asOf === null)) return { verdict: 'without', reasons, fault: null }
  // What everybody here has is not there, and nothing says so.
  if (isShort) return { verdict: 'error', reasons, fault: `a part is missing without a word: ${text}` }
  return { verdict: degraded.length > 0 ? 'last-known' : 'whole', reasons, fault: null }
}
type Profile = { branches: { details: object | null }[]; employment: object | null; degraded: Entry[] }
