import { type JobRequest, jobRequest } from '../../ports/job-requests.ts'
import type { JobQueue } from '../../ports/jobs.ts'
import type { Log } from '../../ports.ts'
import { MAX_REPLAY_IDS, type ReplayData, type ReplayJob, type ReplayProgress, type ReplayResult } from './replay.ts'

export type ReplayQueue = JobQueue<ReplayData, ReplayProgress, ReplayResult>
type Deps = {
  queue: Pick<ReplayQueue, 'add' | 'find'>
  replay(job: ReplayJob): Promise<ReplayResult>
  stop: AbortSignal
  log: Log
}

/** What was asked for longest ago is forgotten: were it asked for again, it would be done again, which does no harm. */
const MAX_KEYS = 1_000
const SAYS = {
  here: 'replays without the job queue',
  brokenOff: 'the replay was broken off; it begins again',
}

/**
 * Sees to it that replays get done, however often they are asked for and by how many processes: for each key there is one
 * job. Without the job queue it is done here.
 */
export function replayRequests({ queue, replay, stop, log }: Deps) {
  const requests = new Map<string, JobRequest<ReplayData, ReplayProgress, ReplayResult>>()
  const requestFor = (key: string) => {
    const known = requests.get(key)
    if (known) return known
    const [oldest] = requests.keys()
    if (oldest !== undefined && requests.size >= MAX_KEYS) requests.delete(oldest)
    const request = jobRequest(key, { queue, handle: replay, stop, log, says: SAYS })
    requests.set(key, request)
    return request
  }
  return {
    /**
     * Call it again and again until it answers true: it has been done since this process asked for this key first, and
     * nothing old is left standing. `data` must be the same for the same key. Rejects with a RangeError for too many ids.
     */
    async ask(key: string, data: ReplayData): Promise<boolean> {
      checkReplay(data)
      return (await requestFor(key).ask(data)).state === 'done'
    },
  }
}

/** Call before a job is made of it. */
export function checkReplay(data: ReplayData): void {
  if ('userIds' in data && data.userIds.length > MAX_REPLAY_IDS)
    throw new RangeError(`at most ${MAX_REPLAY_IDS} users in one replay; these are ${data.userIds.length}`)
}
