import { pause as realPause } from '../pause.ts'
import type { Freshness } from './freshness.ts'

/** A few times as often as the mark is read. */
const LOOK_EVERY_MS = 100
/** Longer than a mark that is written every second takes to be read; whoever waited so long waits in vain. */
export const LONGEST_CATCHING_UP_MS = 3_000

type Deps = { freshness: Pick<Freshness, 'ageMs'>; pause?: typeof realPause; now?: () => number }

/**
 * Resolves when all that was written before it was called is in the copies; also after LONGEST_CATCHING_UP_MS. Rejects when
 * aborted.
 */
export function caughtUp({ freshness, pause = realPause, now = () => performance.now() }: Deps) {
  return async (signal: AbortSignal): Promise<void> => {
    const askedMs = now()
    while (now() - askedMs < LONGEST_CATCHING_UP_MS) {
      if (now() - freshness.ageMs() > askedMs) return
      await pause(LOOK_EVERY_MS, signal)
    }
  }
}
