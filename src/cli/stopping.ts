import closeWithGrace from 'close-with-grace'
import type { Log } from '../ports.ts'

type Options = { log: Log; graceMs: number }

/**
 * Resolves when the process has been told to stop and `close` is done. A second signal, an error that nobody caught, or
 * the end of the grace time ends the process at once with a non-zero code.
 */
export function untilToldToStop({ log, graceMs }: Options, close: () => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    closeWithGrace({ delay: graceMs, logger: false }, async ({ signal, err }) => {
      if (err) log.error({ err }, 'stopping after an error that nobody caught')
      else log.info({ signal }, 'stopping')
      await close()
      resolve()
    })
  })
}
