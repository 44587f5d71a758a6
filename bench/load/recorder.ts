import type { Answers } from './load.ts'

const FIRST_CAPACITY = 65_536

/** Keeps each answer's times in flat arrays that grow: a hundred thousand objects a second would be measured, too. */
export function recorder() {
  let capacity = FIRST_CAPACITY
  let count = 0
  let atMs = new Float64Array(capacity)
  let tookMs = new Float64Array(capacity)
  let fromDatabase = new Uint8Array(capacity)
  const sources: Record<string, number> = {}

  const grow = () => {
    capacity *= 2
    atMs = grown(atMs, new Float64Array(capacity))
    tookMs = grown(tookMs, new Float64Array(capacity))
    fromDatabase = grown(fromDatabase, new Uint8Array(capacity))
  }
  return {
    add(at: number, took: number, source: string) {
      if (count === capacity) grow()
      atMs[count] = at
      tookMs[count] = took
      fromDatabase[count] = source === 'database' ? 1 : 0
      sources[source] = (sources[source] ?? 0) + 1
      count += 1
    },
    /** Copies, as long as they need be. */
    all(): { answers: Answers; sources: Record<string, number> } {
      const answers = {
        atMs: atMs.slice(0, count),
        tookMs: tookMs.slice(0, count),
        fromDatabase: fromDatabase.slice(0, count),
      }
      return { answers, sources }
    },
  }
}

function grown<Values extends Float64Array | Uint8Array>(from: Values, to: Values): Values {
  to.set(from)
  return to
}
