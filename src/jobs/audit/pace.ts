import { setTimeout as wait } from 'node:timers/promises'

export type Pace = (count: number) => Promise<void>

/** Keeps work at a rate: call it before each part, with its size, and it waits until the parts before it have had their time. */
export function pace(perSecond: number, stop: AbortSignal, clock: () => number = () => performance.now()): Pace {
  let freeAt = clock()
  return async (count) => {
    stop.throwIfAborted()
    const earlyMs = freeAt - clock()
    freeAt = Math.max(freeAt, clock()) + (count / perSecond) * 1_000
    if (earlyMs > 0) await wait(earlyMs, undefined, { signal: stop })
  }
}
