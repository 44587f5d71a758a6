import type { Question } from '../load/load.ts'

/** Requests at a constant rate, whatever becomes of those before. They go round. */
export type OpenLoad = {
  port: number
  /** So many may be under way; more wait, and their time goes on. */
  connections: number
  ratePerSecond: number
  questions: Question[]
  /** The first question's place among them. */
  first: number
  /** `question`: whether it is as expected. `profile`: that, and what it says of itself. */
  judge: 'question' | 'profile'
}

/** `whole`: as it should be. `last-known`, `without`: a profile with an old part, or without one. `error`: anything else. */
export type Verdict = 'whole' | 'last-known' | 'without' | 'error'

export type Sample = {
  /** When it was to be asked, on the clock that all processes share. All times are counted from here. */
  dueAtMs: number
  /** How much later it was asked: the generator was busy, or all connections were. */
  lateMs: number
  tookMs: number
  /** 0: no answer. */
  status: number
  verdict: Verdict
  /** What `degraded` says, each once: `employment circuit-open`. */
  reasons: string[]
}

/** In the order of their answers. */
export type OpenResult = { samples: Sample[]; next: number; complaints: string[] }
