// What jobs need of the outside world beside what stands in ports.ts.

/** Work that may take long. It may be begun again at any time, by another process, so it must be idempotent. */
export type Job<Data, Progress> = {
  data: Data
  /** What was kept last, by whoever worked on it; null at its beginning. */
  progress: Progress | null
  /** Where to go on after this process has died. Never rejects: what could not be kept is done again. */
  keep(progress: Progress): Promise<void>
  /** This process is to end: reject soon, and another goes on from what was kept. */
  stop: AbortSignal
}
export type JobState<Progress, Result> =
  | { state: 'waiting' | 'running'; progress: Progress | null }
  | { state: 'done'; result: Result }
  | { state: 'failed'; reason: string }

/** Data, progress and result are JSON. Every call rejects at once while the queue's Redis is out of reach. */
export type JobQueue<Data, Progress, Result> = {
  /** Unless a job with this key waits or runs. Answers the id of the one that does. */
  add(key: string, data: Data): Promise<string>
  /** Null: it is long over, or was never there. */
  find(id: string): Promise<JobState<Progress, Result> | null>
  /** Takes jobs, `concurrency` at a time. A job that rejects is tried again as often as its queue allows. */
  work(handle: (job: Job<Data, Progress>) => Promise<Result>, concurrency: number): JobWorker
}
/** `stop` gives back what runs. */
export type JobWorker = { stop(): Promise<void> }

/**
 * Moves a version on although nothing changed, so that every copy is made anew: what the auditor does about one that is
 * not what its version says. Answers false when the version is not `version` any more: then it has moved by itself.
 */
export type VersionBumps = {
  user(userId: number, version: number): Promise<boolean>
  roles(version: number): Promise<boolean>
}
