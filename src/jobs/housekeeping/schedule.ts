import type { JobQueue, JobWorker } from '../../ports/jobs.ts'
import type { Log } from '../../ports.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import { isDue, scheduled } from '../scheduling.ts'
import { type HousekeepingTask, housekeeping } from './housekeeping.ts'

export type HousekeepingQueue = JobQueue<null, null, null>

export const A_DAY_MS = 86_400_000
const LOOK_EVERY_MS = 10_000
/** The only one of its queue: it waits or runs once, whoever asks for it. */
const KEY = 'housekeeping'
const ENDED = 'ended:housekeeping'

type Deps = {
  queue: HousekeepingQueue
  tasks: HousekeepingTask[]
  tally: Pick<Tally, 'read' | 'remember'>
  /** The Redis that remembers when it was done can be asked. */
  isReady(): boolean
  log: Log
  now?: () => number
}

/**
 * Has it done once a day by whichever of the jobs workers is free. When it was done last stands in the tally: a Redis that
 * was lost or emptied has it done again, which finds little to do.
 */
export function scheduleHousekeeping({ queue, tasks, tally, isReady, log, now = Date.now }: Deps): JobWorker {
  const look = async (): Promise<void> => {
    const agoMs = now() - Number((await tally.read())[ENDED] ?? 0)
    if (isDue(agoMs, A_DAY_MS)) await queue.add(KEY, null)
  }
  const failed = (reason: string) => log.debug({ reason }, 'housekeeping could not be asked for')
  const run = housekeeping(tasks, log)
  const worker = queue.work(async ({ stop }) => {
    await run(stop)
    await tally.remember(ENDED, now())
    return null
  }, 1)
  return scheduled(worker, { look, everyMs: LOOK_EVERY_MS, atOnce: true, isReady, failed })
}
