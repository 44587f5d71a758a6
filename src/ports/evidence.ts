import type { Comparison } from './strangler.ts'

// What is known of a route since it was put into its mode, over all replicas.

export type Evidence = {
  /** `at` of the route's setting; `start`: the start value holds. */
  since: string
  legacy: SideEvidence
  native: SideEvidence
  compared: Record<Comparison, number>
  /** In how many mismatches this path was among those that differ. */
  paths: Record<string, number>
  /** In how many comparisons the legacy answer differed from itself here. */
  noise: Record<string, number>
  /** The newest mismatches, newest first. */
  samples: Sample[]
}
/** Paths of mismatches, and as many of noise, of a route; further ones are counted together. */
export const MAX_PATHS = 100
export const OTHER_PATHS = '*other*'
export const MAX_SAMPLES = 20
/**
 * `failed`: among the requests. `buckets`: how many took up to each of LATENCY_BUCKETS_MS, and at the end: longer. Where it
 * ends earlier the rest is 0.
 */
export type SideEvidence = { requests: number; failed: number; buckets: number[] }

/** Values are masked: a sample holds nobody's data. */
export type MaskedDifference = { path: string; legacy: string; native: string }
/** `answeredBy`: whose answer the client got. */
export type Sample = {
  at: string
  requestId: string
  answeredBy: 'legacy' | 'native'
  differences: MaskedDifference[]
}

/** What a comparison has found that did not end as `equal`. Of `noise`: where the legacy answer differs from itself. */
export type Finding = Omit<Sample, 'at'> & { outcome: 'mismatch' | 'noise' }

export type EvidenceStore = {
  /** Adds what `delta` has counted, and its samples. What was counted under another `since` is left alone. */
  add(routeId: string, since: string, delta: Evidence): Promise<void>
  /** null: nothing is known. */
  read(routeId: string, since: string): Promise<Evidence | null>
}
