import fc from 'fast-check'
import { Violation } from './judge.ts'
import { choices, type Program, programs } from './program.ts'

export type Found = {
  schedules: number
  tasks: number
  seconds: number
  /** The first violation, shrunk if that was asked for, and how to see it again. */
  failure: { invariant: string; report: string } | null
}
export type Options = {
  seed: number
  schedules: number
  /** No schedule is begun after this; the one that runs is never broken off. */
  limitMs: number
  shrink: boolean
  /** Goes to this counterexample at once. */
  path?: string
  /** What is the same in every program. */
  given?: Partial<Program> | undefined
}

/** Runs so many programs under so many schedules, until something is found. */
export async function explore(
  simulate: (program: Program, choices: number[]) => Promise<number>,
  { seed, schedules, limitMs, shrink, path, given }: Options,
): Promise<Found> {
  const begunAt = performance.now()
  const found: Found = { schedules: 0, tasks: 0, seconds: 0, failure: null }
  const property = fc.asyncProperty(programs(given), choices, async (program, chosen) => {
    if (performance.now() - begunAt > limitMs) return
    found.schedules += 1
    found.tasks += await simulate(program, chosen)
  })
  const details = await fc.check(property, {
    seed,
    numRuns: schedules,
    endOnFailure: !shrink,
    ...(path === undefined ? {} : { path }),
  })
  found.seconds = (performance.now() - begunAt) / 1_000
  if (details.failed) {
    const error = details.errorInstance
    const invariant = error instanceof Violation ? error.invariant : 'unexpected'
    const report = [
      `seed ${details.seed}, path ${details.counterexamplePath}, after ${found.schedules} schedules`,
      JSON.stringify(details.counterexample),
      error instanceof Error
        ? `${error.message}\n${error.stack?.split('\n    at ').slice(1, 4).join('\n    at ')}`
        : String(error),
    ]
    found.failure = { invariant, report: report.join('\n') }
  }
  return found
}
