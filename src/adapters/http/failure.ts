import type { NeighbourName } from '../../domain/neighbours.ts'
import { NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'

/**
 * What a failed call says of the neighbour: `ill` counts against it; `well`: it did answer, though not with what was
 * wanted; `nothing`: it was not asked, or had no time to answer.
 */
export type Verdict = 'ill' | 'well' | 'nothing'

/** Why an attempt failed. */
export class Failure extends NeighbourError {
  readonly neighbour: NeighbourName
  readonly verdict: Verdict
  /** Whether another attempt may do better. */
  readonly again: boolean
  /** How long the neighbour wants to be left alone, from its Retry-After. */
  readonly afterMs: number

  constructor(neighbour: NeighbourName, reason: NoAnswer, says: Says = {}) {
    const { verdict = 'ill', again = false, afterMs = 0, ...rest } = says
    super(neighbour, reason, rest)
    this.neighbour = neighbour
    this.verdict = verdict
    this.again = again
    this.afterMs = afterMs
  }

  /** The same failure, saying something else of the neighbour. */
  saying(verdict: Verdict, isHurried = this.isHurried): Failure {
    const { neighbour, reason, again, afterMs, cause } = this
    return new Failure(neighbour, reason, { verdict, again, afterMs, cause, isHurried })
  }
}
type Says = { verdict?: Verdict; again?: boolean; afterMs?: number; cause?: unknown; isHurried?: boolean }

export function verdictOf(error: unknown): Verdict {
  return error instanceof Failure ? error.verdict : 'ill'
}
