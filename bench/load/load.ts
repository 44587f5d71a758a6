/** What the generator is told to do. */
export type Load = {
  port: number
  connections: number
  durationMs: number
  questions: Question[]
  /** Each question is asked at most once, and the load ends early when there are no more; else they go round. */
  once: boolean
}

/** A request as its bytes (latin1), and what the answer must be. */
export type Question = {
  request: string
  status: number
  /** Where the answer must have been read (its Read-From); `cache` is anywhere but the database. Null: not asked. */
  from: 'cache' | 'database' | null
  /** latin1; the body must be it or, when not `whole`, begin with it. */
  body: string
  whole: boolean
}

/** Answers in the order in which they came; one element each in the three arrays. */
export type Answers = {
  /** On the clock that all processes share. */
  atMs: Float64Array<ArrayBuffer>
  tookMs: Float64Array<ArrayBuffer>
  /** 1: read from the database. */
  fromDatabase: Uint8Array<ArrayBuffer>
}

export type LoadResult = {
  answers: Answers
  elapsedMs: number
  /** CPU time of the generator's thread over the elapsed time: near 1, it is the generator that is measured. */
  generatorBusy: number
  /** By what Read-From (or, after commands, Visibility) said; `-` when the answer had neither. */
  sources: Record<string, number>
  errors: number
  /** The first few. */
  complaints: string[]
}

const MAX_COMPLAINTS = 5

/** Counts errors, and keeps the first few for the report. */
export function complaints() {
  const kept: string[] = []
  let count = 0
  return {
    add(complaint: string) {
      count += 1
      if (kept.length < MAX_COMPLAINTS) kept.push(complaint)
    },
    count: () => count,
    kept,
  }
}
