import type { Load, Question } from './load/load.ts'
import type { LoadThread } from './load/thread.ts'
import { clockTicksPerSecond, treeCpuTicks } from './proc.ts'

/**
 * Enough for Node's compiler and for caches to fill. Of the process's own time: beside others on the machine, seconds of
 * the clock may be next to none.
 */
const WARM_UP_CPU_MS = 2_500
const WARM_UP_STEP_MS = 500
const WARM_UP_LIMIT_MS = 60_000

/** Who has just begun may fall back to the database at first; any other mistake counts even while warming up. */
export async function warmUp(generator: LoadThread, load: Omit<Load, 'durationMs'>, pid: number): Promise<void> {
  const questions = load.questions.map((question): Question => ({ ...question, from: null }))
  const enoughTicks = treeCpuTicks(pid) + (WARM_UP_CPU_MS / 1_000) * clockTicksPerSecond()
  const deadline = Date.now() + WARM_UP_LIMIT_MS
  while (treeCpuTicks(pid) < enoughTicks) {
    const { errors, complaints } = await generator.run({ ...load, questions, durationMs: WARM_UP_STEP_MS })
    if (errors > 0) throw new Error(complaints.join('\n'))
    if (Date.now() > deadline) throw new Error(`it has not had ${WARM_UP_CPU_MS} ms of the processor's time`)
  }
}
