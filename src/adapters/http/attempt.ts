import type { NeighbourName } from '../../domain/neighbours.ts'
import { Cancelled, OutOfTime, within } from './deadline.ts'
import type { Question } from './exchange.ts'
import { Failure } from './failure.ts'

/** How many milliseconds are left of whoever asks; of no clock, because theirs and ours differ. */
export const DEADLINE_HEADER = 'x-request-deadline'
/** Having had less than this share of its time, a neighbour that has not answered is not to blame. */
const FAIR_SHARE = 0.5

type Ask = <Answer>(question: Question<Answer>, signal: AbortSignal) => Promise<Answer | null>
type Deps = { neighbour: NeighbourName; attemptMs: number; ask: Ask }
type Caller = { untilMs(): number; signal: AbortSignal }

/** One attempt, within its own time and what is left of the caller's. The neighbour is told how long that is. */
export function attempts({ neighbour, attemptMs, ask }: Deps) {
  return async <Answer>(question: Question<Answer>, caller: Caller): Promise<Answer | null> => {
    const startedMs = performance.now()
    const untilMs = () => Math.min(startedMs + attemptMs, caller.untilMs())
    const leftMs = Math.max(1, Math.floor(untilMs() - startedMs))
    const headers = { ...question.headers, [DEADLINE_HEADER]: String(leftMs) }
    try {
      return await within({ untilMs, signals: [caller.signal] }, (signal) => ask({ ...question, headers }, signal))
    } catch (error) {
      if (!(error instanceof OutOfTime || error instanceof Cancelled)) throw error
      const verdict = performance.now() - startedMs >= attemptMs * FAIR_SHARE ? 'ill' : 'nothing'
      // Whoever asked has left, or has no time any more: there is nobody to make another attempt for.
      if (error instanceof Cancelled) throw new Failure(neighbour, 'cancelled', { verdict })
      throw new Failure(neighbour, 'timeout', { verdict, again: true })
    }
  }
}
