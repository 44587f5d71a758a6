import type { NeighbourName } from '../../domain/neighbours.ts'
import { Cancelled, OutOfTime, within } from './deadline.ts'
import type { Question } from './exchange.ts'
import { Failure } from './failure.ts'

/** How many milliseconds are left of whoever asks; of no clock, because theirs and ours differ. */
export const DEADLINE_HEADER = 'x-request-deadline'
/** Having had less than this share of an attempt's time, a neighbour that has not answered is not to blame. */
export const FAIR_SHARE = 0.5
/** This process stood still for so long: it, and not the neighbour, was late. */
const STANDSTILL_MS = 20

type Ask = <Answer>(question: Question<Answer>, signal: AbortSignal) => Promise<Answer | null>
type Deps = { neighbour: NeighbourName; attemptMs: number; ask: Ask }
export type Asker = { untilMs(): number; signal: AbortSignal }

/** One attempt, within its own time and what is left of the caller's. The neighbour is told how long that is. */
export function attempts({ neighbour, attemptMs, ask }: Deps) {
  const fairMs = attemptMs * FAIR_SHARE
  return async <Answer>(question: Question<Answer>, caller: Asker): Promise<Answer | null> => {
    const startedMs = performance.now()
    const untilMs = () => Math.min(startedMs + attemptMs, caller.untilMs())
    const toldMs = Math.max(1, Math.floor(untilMs() - startedMs))
    const headers = { ...question.headers, [DEADLINE_HEADER]: String(toldMs) }
    try {
      return await within({ untilMs, signals: [caller.signal] }, (signal) => ask({ ...question, headers }, signal))
    } catch (error) {
      const failure = failureOf(error, performance.now() - startedMs)
      // It may have failed because it was told to be quick.
      const isHurried = toldMs < fairMs
      throw isHurried && failure.verdict === 'ill' ? failure.saying('nothing', true) : failure
    }
  }

  function failureOf(error: unknown, hadMs: number): Failure {
    if (error instanceof Failure) return error
    const verdict = hadMs >= fairMs ? 'ill' : 'nothing'
    // Whoever asked has left: there is nobody to make another attempt for.
    if (error instanceof Cancelled) return new Failure(neighbour, 'cancelled', { verdict })
    if (!(error instanceof OutOfTime)) throw error
    const stoodStill = error.lateMs > STANDSTILL_MS
    return new Failure(neighbour, 'timeout', { verdict: stoodStill ? 'nothing' : verdict, again: true })
  }
}
