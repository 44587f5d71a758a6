import { mulberry32 } from '../../src/jobs/seed/random.ts'

/** Latencies of a seed are always the same, in the same order. */
type Seeded = { seed: number }

export function constantMs(ms: number): () => number {
  return () => ms
}

export function uniformMs({ from, to, seed }: Seeded & { from: number; to: number }): () => number {
  const random = mulberry32(seed)
  return () => from + random() * (to - from)
}

/** Many short ones and a few long ones. */
export function exponentialMs({ meanMs, seed }: Seeded & { meanMs: number }): () => number {
  const random = mulberry32(seed)
  return () => -meanMs * Math.log(1 - random())
}

/** What services over a network show: a median, and a tail that is the longer the greater `sigma` is (0.5 is mild, 1.5 heavy). */
export function lognormalMs({ medianMs, sigma, seed }: Seeded & { medianMs: number; sigma: number }): () => number {
  const random = mulberry32(seed)
  return () => medianMs * Math.exp(sigma * standardNormal(random))
}

/** Box and Muller's transform; 1 − u, because the logarithm of 0 is none. */
function standardNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
