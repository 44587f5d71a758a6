import { setTimeout as wait } from 'node:timers/promises'
import { type Deadline, msUntil } from './connection.ts'

/** How often work is begun that the database undoes, or is too busy for. */
export const MAX_ATTEMPTS = 5
/** Before the second time at most twice that; twice as much before each further one. */
const PAUSE_MS = 25

/**
 * Answers what `work` does. One that rejects is begun again, a few times, while there is time and `mayRepeat` says so of
 * its error; the last error is the answer's. Pauses have full jitter: whoever was undone at once, and began at once, would
 * meet the same others again (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export async function again<Result>(
  work: () => Promise<Result>,
  mayRepeat: (error: unknown) => boolean,
  deadline: Deadline,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!mayRepeat(error) || attempt === MAX_ATTEMPTS || !(await hasTimeAfterPause(attempt, deadline))) throw error
    }
  }
}

async function hasTimeAfterPause(attempt: number, deadline: Deadline): Promise<boolean> {
  await wait(Math.random() * Math.min(msUntil(deadline), PAUSE_MS * 2 ** attempt))
  return msUntil(deadline) > 0
}
