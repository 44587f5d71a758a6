import type { IncomingMessage } from 'node:http'
import { NeighbourError } from '../../ports/neighbours.ts'
import { type Attempt, attempt, Broken, type Question } from './attempt.ts'
import { watch } from './watch.ts'

/** Methods that change nothing (RFC 9110 section 9.2.1), so that they may be sent again. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Its answer ends with its head. An application that sends a body nevertheless would have that taken for the answer to
 * the next request on a kept connection: it is given none.
 */
const HEAD = 'HEAD'

export type Exchange = ReturnType<typeof exchange>

/** One request to the legacy application, until the head of its answer. */
export function exchange(question: Question) {
  const clock = watch()
  let current: Attempt | null = null
  let isCancelled = false

  const send = (isKept: boolean): Promise<IncomingMessage> => {
    current = attempt(question, clock, isKept)
    return current.answer
  }
  const failed = (error: unknown): NeighbourError => {
    clock.stop()
    current?.upload?.stop()
    if (isCancelled) return new NeighbourError('legacy', 'cancelled', { cause: error })
    return error instanceof NeighbourError ? error : new NeighbourError('legacy', 'unreachable', { cause: error })
  }
  return {
    clock,
    /** Rejects with NeighbourError; then nothing is under way any more. */
    async answer(): Promise<IncomingMessage> {
      const mayRepeat = question.body === null && SAFE.has(question.head.method)
      try {
        // What may have been carried out is not sent again, and so never over a connection that is perhaps closed already.
        return await send(mayRepeat && question.head.method !== HEAD)
      } catch (error) {
        const isUnread = error instanceof Broken && error.isUnread
        if (!mayRepeat || !isUnread || isCancelled) throw failed(error)
        // RFC 9112 section 9.3.1: the other side has closed an idle connection while we took it.
        return await send(false).catch((again) => Promise.reject(failed(again)))
      }
    },
    /** Whether all of the request has been sent. */
    isSent: () => current?.isSent() ?? false,
    /** The rest of the request is thrown away. */
    stopSending: () => current?.upload?.stop(),
    /** Ends it, wherever it is. */
    cancel(): void {
      isCancelled = true
      clock.stop()
      current?.outgoing.destroy()
    },
  }
}
