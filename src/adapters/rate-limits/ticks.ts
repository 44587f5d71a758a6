/** How far behind the time may be that is read here: a six-hundredth of a window. */
const TICK_MS = 100

export type Ticks = { nowMs(): number; stop(): void }

/** A clock that never goes back, and that costs nothing to read: asking the machine costs as much as all else of a count. */
export function ticks(): Ticks {
  let now = wholeMs()
  const timer = setInterval(() => {
    now = wholeMs()
  }, TICK_MS).unref()
  return { nowMs: () => now, stop: () => clearInterval(timer) }
}

/** Without a fraction: V8 keeps such a number in its place, any other in an object of its own, one for each window. */
const wholeMs = (): number => Math.trunc(performance.now())
