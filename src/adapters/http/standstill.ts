export type StandstillLimits = {
  /** Fewer that wait may all be slow by chance. */
  least: number
  /** Without any answer. */
  afterMs: number
  checkEveryMs: number
}
/** `found`: it stands still, and is not asked any more, say. `every`: calls, until what it answers is called. */
type Deps = StandstillLimits & { found(): void; now?(): number; every?(ms: number, check: () => void): () => void }
/** Thrown at those that are given up. */
export class Standstill extends Error {}
type Waiting = { sinceMs: number; isSent(): boolean; giveUp(): void }

export type StandstillWatch = ReturnType<typeof standstill>

/**
 * Gives up calls of a neighbour that takes them and answers none at all: each by itself would wait for its own deadline,
 * which is long, since some are slow. When at least `least` wait and none has been answered for `afterMs`, those that have
 * waited as long as that are given up, and so are the others among them when they have. A single answer, and nobody is.
 */
export function standstill({ least, afterMs, checkEveryMs, found, now = monotonicMs, every = onInterval }: Deps) {
  const calls = new Set<Waiting>()
  let lastAnswerMs = Number.NEGATIVE_INFINITY
  /** When it was last found to stand still; it is not when it has answered since. */
  let foundMs = Number.NEGATIVE_INFINITY
  let stop: (() => void) | null = null

  const check = () => {
    const nowMs = now()
    const waiting = [...calls].filter((call) => {
      if (call.isSent()) return true
      // Its wait begins when the last of it has been sent: not before now.
      call.sinceMs = nowMs
      return false
    })
    if (nowMs - lastAnswerMs < afterMs) return
    const isEnough = waiting.length >= least
    const givenUp = waiting.filter(({ sinceMs }) => nowMs - sinceMs >= afterMs && (isEnough || sinceMs < foundMs))
    for (const call of givenUp) call.giveUp()
    if (!isEnough || givenUp.length === 0) return
    foundMs = nowMs
    found()
  }
  const begin = (call: Waiting) => {
    calls.add(call)
    stop ??= every(checkEveryMs, check)
  }
  const end = (call: Waiting) => {
    calls.delete(call)
    if (calls.size > 0) return
    stop?.()
    stop = null
  }
  return {
    /**
     * `isSent`: whether all of the call has been sent; before, nobody can be waited for. Rejects with Standstill, or as the
     * answer does; whoever is given up must end the call.
     */
    watch<Answer>(answer: Promise<Answer>, isSent: () => boolean): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const call: Waiting = {
          ...{ sinceMs: now(), isSent },
          giveUp() {
            end(call)
            reject(new Standstill())
          },
        }
        begin(call)
        answer.then(
          (answered) => {
            lastAnswerMs = now()
            foundMs = Number.NEGATIVE_INFINITY
            end(call)
            resolve(answered)
          },
          (error: unknown) => {
            end(call)
            reject(error)
          },
        )
      })
    },
    /** How many are watched. */
    waiting: () => calls.size,
  }
}

const monotonicMs = () => performance.now()

function onInterval(ms: number, check: () => void): () => void {
  const timer = setInterval(check, ms)
  return () => clearInterval(timer)
}
