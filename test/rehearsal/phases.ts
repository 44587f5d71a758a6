import type { Answered, Unanswered } from './asker.ts'

const MOST_COMPLAINTS = 10
/** How phases are called in which nothing is done. */
export const AFTERWARDS = 'after: '

export type Failure = { reason: string; pod: string; atMs: number; sentAtMs: number }
export type Phase = {
  name: string
  fromMs: number
  toMs: number
  requests: number
  writes: number
  failures: Failure[]
  /** Requests that a client repeats by itself, and then was answered (RFC 9112, section 9.3.1). */
  repeated: number
  wrong: string[]
  wrongAnswers: number
  /** Of answers with 200, by their Read-From. */
  sources: Map<string, number>
  /** The oldest that answers said of themselves (Read-Age). */
  oldestMs: number
  slowestMs: number
  /** Changes that waited to be projected, at most, and the longest of them. */
  waiting: number
  waitingMs: number
  notes: [what: string, value: string][]
}
export type Phases = ReturnType<typeof phasesFrom>

/** What was counted, by what was going on when it was asked. */
export function phasesFrom(now: () => number) {
  const all: Phase[] = []
  const begin = (name: string): Phase => {
    const at = now()
    const before = all.at(-1)
    if (before) before.toMs = at
    const phase: Phase = {
      ...{
        name,
        fromMs: at,
        toMs: Number.POSITIVE_INFINITY,
        requests: 0,
        writes: 0,
        failures: [],
        repeated: 0,
        wrong: [],
      },
      ...{ wrongAnswers: 0, sources: new Map(), oldestMs: 0, slowestMs: 0, waiting: 0, waitingMs: 0, notes: [] },
    }
    all.push(phase)
    return phase
  }
  const at = (ms: number): Phase => all.findLast(({ fromMs }) => fromMs <= ms) ?? begin('before')
  return {
    all,
    begin,
    end(): void {
      const last = all.at(-1)
      if (last) last.toMs = now()
    },
    answered({ sentAtMs, atMs, status, header }: Answered): void {
      const phase = at(sentAtMs)
      phase.requests += 1
      phase.slowestMs = Math.max(phase.slowestMs, atMs - sentAtMs)
      const from = header('read-from')
      if (status !== 200 || from === null) return
      phase.sources.set(from, (phase.sources.get(from) ?? 0) + 1)
      phase.oldestMs = Math.max(phase.oldestMs, Number(header('read-age') ?? 0))
    },
    written(sentAtMs: number): void {
      at(sentAtMs).writes += 1
    },
    repeated(sentAtMs: number): void {
      at(sentAtMs).repeated += 1
    },
    failed({ pod, atMs, sentAtMs }: Unanswered | Answered, reason: string): void {
      // What was under way when something began has failed of that; what failed late, of what was when it was sent.
      const phase = at(atMs).name.startsWith(AFTERWARDS) ? at(sentAtMs) : at(atMs)
      phase.failures.push({ reason, pod, atMs, sentAtMs })
    },
    wrong(sentAtMs: number, complaint: string | null): void {
      if (complaint === null) return
      const phase = at(sentAtMs)
      phase.wrongAnswers += 1
      if (phase.wrong.length < MOST_COMPLAINTS) phase.wrong.push(complaint)
    },
    waits(count: number, ms: number): void {
      const phase = at(now())
      phase.waiting = Math.max(phase.waiting, count)
      phase.waitingMs = Math.max(phase.waitingMs, ms)
    },
  }
}
