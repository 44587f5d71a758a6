import type { Caller, NoAnswer } from '../../ports/neighbours.ts'

/** `now`: as `performance.now()`. `after`: calls once; answers how to call it off. A test has one of its own. */
export type Clock = { now(): number; after(ms: number, call: () => void): () => void }

/** A longer timer goes off at once (Node's documentation of setTimeout). */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, Math.min(ms, LONGEST_TIMER_MS))
    return () => clearTimeout(timer)
  },
}

/** Why somebody waits no longer. */
export type Left = Extract<NoAnswer, 'timeout' | 'cancelled'>

/** One who waits, until they have what they wait for, or their time is over, or they go away. */
export type Waiter = {
  caller: Caller
  left(): Left | null
  /** Calls when they leave. Answers how to call it off. */
  onLeave(call: (why: Left) => void): () => void
  /** What becomes of a promise that does not reject; null when they leave before. */
  unlessLeft<Result>(promise: Promise<Result>): Promise<Result | null>
  leave(why: Left): void
  /** They have what they waited for: no timer is left. */
  end(): void
}

export function waiter(caller: Caller, clock: Clock): Waiter {
  const calls = new Set<(why: Left) => void>()
  let left: Left | null = null
  let stopTimer = () => {}
  const end = () => {
    stopTimer()
    caller.signal.removeEventListener('abort', cancel)
    calls.clear()
  }
  const leave = (why: Left) => {
    if (left !== null) return
    left = why
    const told = [...calls]
    end()
    for (const call of told) call(why)
  }
  const cancel = () => leave('cancelled')
  const onLeave = (call: (why: Left) => void) => {
    calls.add(call)
    return () => void calls.delete(call)
  }
  const restMs = caller.untilMs - clock.now()
  if (caller.signal.aborted) leave('cancelled')
  else if (restMs <= 0) leave('timeout')
  else {
    stopTimer = clock.after(restMs, () => leave('timeout'))
    caller.signal.addEventListener('abort', cancel)
  }
  return {
    caller,
    left: () => left,
    onLeave,
    unlessLeft: (promise) =>
      new Promise((resolve) => {
        if (left !== null) return resolve(null)
        const callOff = onLeave(() => resolve(null))
        promise.then((result) => {
          callOff()
          resolve(result)
        })
      }),
    leave,
    end,
  }
}
