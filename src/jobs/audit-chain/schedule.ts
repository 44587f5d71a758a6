import type { JobQueue, JobWorker } from '../../ports/jobs.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import { isDue, scheduled } from '../scheduling.ts'
import { msSincePass, PASS, SINCE } from './passes.ts'
import { type ChainDeps, type ChainProgress, chainVerifier } from './verify.ts'

export type ChainQueue = JobQueue<null, ChainProgress, null>

const LOOK_EVERY_MS = 10_000
/** The only one of its queue: it waits or runs once, whoever asks for it. */
const KEY = 'audit-chain'

type Deps = Omit<ChainDeps, 'now' | 'tally'> & {
  queue: ChainQueue
  tally: Pick<Tally, 'read' | 'remember'>
  /** From the end of a pass until the next is due. */
  everyMs: number
  /** The Redis that remembers when it was done can be asked. */
  isReady(): boolean
  now?: () => number
}

/**
 * Has the audit of commands verified, by whichever of the jobs workers is free. When that was done last stands in the tally: in
 * a Redis that was lost or emptied it is done again at once.
 */
export function scheduleChains(deps: Deps): JobWorker {
  const { queue, tally, everyMs, isReady, log, now = Date.now } = deps
  const look = async (): Promise<void> => {
    const fields = await tally.read()
    // A verification that never ends is to be noticed as well.
    if (fields[PASS] === undefined && fields[SINCE] === undefined) await tally.remember(SINCE, now())
    if (isDue(msSincePass(fields, now()), everyMs)) await queue.add(KEY, null)
  }
  const failed = (reason: string) => log.debug({ reason }, 'a verification of the audit could not be asked for')
  const run = chainVerifier({ ...deps, now })
  const worker = queue.work(async (job) => {
    await run(job)
    return null
  }, 1)
  return scheduled(worker, { look, everyMs: LOOK_EVERY_MS, atOnce: true, isReady, failed })
}
