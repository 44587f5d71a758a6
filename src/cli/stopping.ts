import closeWithGrace from 'close-with-grace'
import type { Log } from '../ports.ts'

type Options = { log: Log; graceMs: number }
export type Stopping = {
  begun(): boolean
  /** Something in here has failed for good: as after a signal, but the process ends with 1. */
  fail(error: Error, message: string): void
}

/**
 * When the process is told to stop, `close` has the grace time, and then the process ends. A second signal, an error that
 * nobody caught, or the end of the grace time ends it at once with a non-zero code.
 */
export function stopWhenTold({ log, graceMs }: Options, close: () => Promise<void>): Stopping {
  let begun = false
  let failure: Error | null = null
  // Not on `beforeExit`: a start that has failed ends by itself, with the code that main.ts gave it.
  const grace = closeWithGrace({ delay: graceMs, logger: false, skip: ['beforeExit'] }, async ({ signal, err }) => {
    begun = true
    if (err) log.error({ err }, 'stopping after an error that nobody caught')
    else if (signal) log.info({ signal }, 'stopping')
    await close()
    // It ends the process with 0 after all but an error.
    if (failure) throw failure
  })
  return {
    begun: () => begun,
    fail(error, message) {
      if (begun) return
      begun = true
      failure = error
      log.error({ err: error }, message)
      grace.close()
    },
  }
}

/** Aborted by the first Ctrl-C or SIGTERM; a second ends the process as it always does. */
export function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  return interrupted.signal
}
