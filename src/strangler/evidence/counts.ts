import {
  type Evidence,
  MAX_PATHS,
  MAX_SAMPLES,
  OTHER_PATHS,
  type Sample,
  type SideEvidence,
} from '../../ports/evidence.ts'
import { COMPARISONS } from '../../ports/strangler.ts'
import { bucketIndex, LATENCY_BUCKETS_MS } from './latency.ts'

export function noEvidence(since: string): Evidence {
  const compared = Object.fromEntries(COMPARISONS.map((outcome) => [outcome, 0])) as Evidence['compared']
  // Without a prototype: a path may be called as one of its members.
  return {
    since,
    legacy: noAnswers(),
    native: noAnswers(),
    compared,
    paths: Object.create(null),
    noise: Object.create(null),
    samples: [],
  }
}

/** Adds what was counted later, or elsewhere. */
export function addEvidence(to: Evidence, more: Evidence): void {
  addSide(to.legacy, more.legacy)
  addSide(to.native, more.native)
  for (const outcome of COMPARISONS) to.compared[outcome] += more.compared[outcome]
  for (const kind of ['paths', 'noise'] as const) {
    for (const [path, count] of Object.entries(more[kind])) countPath(to[kind], path, count)
  }
  addSamples(to, more.samples)
}

export function countPath(paths: Record<string, number>, path: string, count = 1): void {
  const isRoom = path in paths || Object.keys(paths).length < MAX_PATHS
  const name = isRoom ? path : OTHER_PATHS
  paths[name] = (paths[name] ?? 0) + count
}

/** `samples`: newest first. */
export function addSamples(to: Evidence, samples: Sample[]): void {
  to.samples = [...samples, ...to.samples].slice(0, MAX_SAMPLES)
}

/** `ms`: until the answer's head. */
export function countAnswer(side: SideEvidence, failed: boolean, ms: number): void {
  side.requests += 1
  if (failed) side.failed += 1
  const index = bucketIndex(ms)
  side.buckets[index] = (side.buckets[index] ?? 0) + 1
}

export function addSide(to: SideEvidence, more: SideEvidence): void {
  to.requests += more.requests
  to.failed += more.failed
  to.buckets = to.buckets.map((count, i) => count + (more.buckets[i] ?? 0))
}

export function noAnswers(): SideEvidence {
  return { requests: 0, failed: 0, buckets: Array(LATENCY_BUCKETS_MS.length + 1).fill(0) }
}
