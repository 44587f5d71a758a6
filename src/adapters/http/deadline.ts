/** Thrown when the time is over. `lateMs`: how long after that it was noticed, since this process had other things to do. */
export class OutOfTime extends Error {
  readonly lateMs: number
  constructor(lateMs: number) {
    super('out of time')
    this.lateMs = lateMs
  }
}
/** Thrown when nobody waits any more. */
export class Cancelled extends Error {}

export type Limits = {
  /** When the time is over, by `performance.now()`; asked again when it seems to be over, for it may have grown. */
  untilMs(): number
  /** Nobody waits any more when one of them is aborted. */
  signals: AbortSignal[]
}

/**
 * Runs `work` with a signal of its own, which is aborted when the time is over (rejects with OutOfTime), when one of the
 * given ones is (Cancelled), and never later. Settles then, whatever `work` does; what becomes of that is nobody's business.
 * `work` does not begin when it is too late already.
 *
 * One signal a call: AbortSignal.any would hold on to the given one, and a breaker's own is shared between calls.
 */
export function within<Answer>(limits: Limits, work: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
  const { untilMs, signals } = limits
  if (signals.some(({ aborted }) => aborted)) return Promise.reject(new Cancelled())
  if (untilMs() <= performance.now()) return Promise.reject(new OutOfTime(0))
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    let timer: NodeJS.Timeout | undefined
    let lastLook: NodeJS.Immediate | undefined
    const end = () => {
      clearTimeout(timer)
      clearImmediate(lastLook)
      for (const signal of signals) signal.removeEventListener('abort', cancel)
    }
    const giveUp = (reason: Error) => {
      end()
      reject(reason)
      controller.abort(reason)
    }
    const cancel = () => giveUp(new Cancelled())
    const look = () => {
      const leftMs = untilMs() - performance.now()
      // A timer may be early by a part of a millisecond.
      if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs))
      // Timers go before what has arrived: an answer that came while this process stood still is read first.
      else lastLook = setImmediate(() => giveUp(new OutOfTime(-leftMs)))
    }
    for (const signal of signals) signal.addEventListener('abort', cancel, { once: true })
    look()
    work(controller.signal).then(resolve, reject).finally(end)
  })
}

/** Waits for so long; rejects at once with the signal's reason when that is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', give)
      resolve()
    }, ms)
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
}
