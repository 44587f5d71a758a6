import type { NeighbourName } from '../../domain/neighbours.ts'
import { NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'

/**
 * What a failed call says of the neighbour: `ill` counts against it; `well`: it did answer, though not with what was
 * wanted; `nothing`: it was not asked, or had no time to answer.
 */
export type Verdict = 'ill' | 'well' | 'nothing'

/** Why an attempt failed. */
export class Failure extends NeighbourError {
  readonly verdict: Verdict
  /** Whether another attempt may do better. */
  readonly again: boolean
  /** How long the neighbour wants to be left alone, from its Retry-After. */
  readonly afterMs: number

  constructor(neighbour: NeighbourName, reason: NoAnswer, says: Says = {}) {
    super(neighbour, reason, says.cause === undefined ? undefined : { cause: says.cause })
    this.verdict = says.verdict ?? 'ill'
    this.again = says.again ?? false
    this.afterMs = says.afterMs ?? 0
  }
}
type Says = { verdict?: Verdict; again?: boolean; afterMs?: number; cause?: unknown }

export function verdictOf(error: unknown): Verdict {
  return error instanceof Failure ? error.verdict : 'ill'
}
