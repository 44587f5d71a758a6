import { setTimeout as wait } from 'node:timers/promises'
import { type Deadline, msUntil } from './connection.ts'

/** How often work is begun that the database undoes. */
export const MAX_ATTEMPTS = 5
/** Before the second time at most twice that; twice as much before each further one. */
const PAUSE_MS = 25

/**
 * Whether work that was begun `attempt` times may begin once more; resolves when it is to. Pauses have full jitter: whoever
 * was undone at once, and began at once, would meet the same others again
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export async function mayBeginAgain(attempt: number, deadline: Deadline): Promise<boolean> {
  const leftMs = msUntil(deadline)
  if (attempt >= MAX_ATTEMPTS || leftMs === 0) return false
  await wait(Math.random() * Math.min(leftMs, PAUSE_MS * 2 ** attempt))
  return msUntil(deadline) > 0
}
