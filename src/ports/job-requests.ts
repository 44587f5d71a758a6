import type { Log } from '../ports.ts'
import type { Job, JobQueue, JobState } from './jobs.ts'

type Deps<Data, Progress, Result> = {
  queue: Pick<JobQueue<Data, Progress, Result>, 'add' | 'find'>
  /** What a worker does with such a job. */
  handle(job: Job<Data, Progress>): Promise<Result>
  stop: AbortSignal
  log: Log
  /** For the log: what begins, and what was broken off. */
  says: { here: string; brokenOff: string }
}
type Here<Progress> = { progress: Progress | null }
export type JobRequest<Data, Progress, Result> = {
  key: string
  /** It is being done in this process, and this is how far it is. Null: it is not. */
  here(): Here<Progress> | null
  /** Never rejects. Call it again and again until it is done: what was lost, or has failed, is begun again. */
  ask(data: Data): Promise<Extract<JobState<Progress, Result>, { state: 'waiting' | 'running' | 'done' }>>
}

/**
 * One piece of work that must get done, however many ask for it: there is one job for its key, which any worker takes.
 * Without the job queue it is done here: the read models must not depend on another Redis than their own.
 */
export function jobRequest<Data, Progress, Result>(
  key: string,
  { queue, handle, stop, log, says }: Deps<Data, Progress, Result>,
): JobRequest<Data, Progress, Result> {
  let id: string | null = null
  let here: Here<Progress> | null = null
  let done: { state: 'done'; result: Result } | null = null

  const doHere = (data: Data, why: string): void => {
    // Somebody else asked at the same time.
    if (here || done) return
    const work: Here<Progress> = { progress: null }
    here = work
    log.warn({ reason: why }, says.here)
    const keep = async (progress: Progress) => {
      work.progress = progress
    }
    handle({ data, progress: null, keep, stop })
      .then((result) => {
        done = { state: 'done', result }
      })
      .catch((error) => log.warn({ reason: String(error) }, says.brokenOff))
      .finally(() => {
        here = null
      })
  }

  return {
    key,
    here: () => here,
    async ask(data) {
      if (done) return done
      if (here) return { state: 'running', progress: here.progress }
      try {
        const found = id === null ? null : await queue.find(id)
        if (found?.state === 'waiting' || found?.state === 'running') return found
        if (found?.state === 'done') {
          done = found
          return found
        }
        id = await queue.add(key, data)
      } catch (error) {
        doHere(data, String(error))
      }
      return { state: 'waiting', progress: null }
    },
  }
}
