import type { JobWorker } from '../ports/jobs.ts'

/** By so much the clocks of two jobs workers may differ. */
export const MAX_CLOCK_SKEW_MS = 60_000

/**
 * Whether what was done `agoMs` ago is to be done again. Negative beyond the difference of clocks: by a clock that has been set
 * back since. NaN: nobody knows.
 */
export function isDue(agoMs: number, everyMs: number): boolean {
  return !(agoMs < everyMs && agoMs >= -MAX_CLOCK_SKEW_MS)
}

type Looking = {
  /** Asks for what is due. */
  look(): Promise<unknown>
  everyMs: number
  /** Also at the beginning, and not only when that time has passed. */
  atOnce: boolean
  /** Where it stands what is due can be asked. */
  isReady(): boolean
  /** Told when a look has failed; the next one comes. */
  failed(reason: string): void
}

/** A worker that also looks now and then whether there is something to ask for, until it is stopped. */
export function scheduled(worker: JobWorker, { look, everyMs, atOnce, isReady, failed }: Looking): JobWorker {
  const lookIfReady = (): void => {
    if (isReady()) look().catch((error) => failed(String(error)))
  }
  const timer = setInterval(lookIfReady, everyMs)
  timer.unref()
  if (atOnce) lookIfReady()
  return {
    async stop() {
      clearInterval(timer)
      await worker.stop()
    },
  }
}
