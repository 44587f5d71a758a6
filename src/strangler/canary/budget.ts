import type { SideEvidence } from '../../ports/evidence.ts'
import { percentile } from '../evidence/latency.ts'

/** What both sides did in the same time. */
export type Figures = { legacy: SideEvidence; native: SideEvidence; compared: number; mismatched: number }

/** How much worse than the legacy application we may be. What is less than `least…` says nothing yet. */
export const BUDGET = {
  leastRequests: 20,
  /** One that fails may be chance. */
  leastFailed: 3,
  /** So many, and not one that did not fail: that needs no more of them. */
  allFailed: 5,
  /** Percentage points above the legacy application’s own share. */
  failedPoints: 1,
  leastCompared: 10,
  leastMismatched: 3,
  mismatchedPercent: 1,
  /** The 95th percentile: buckets are coarse, so that less than half as slow again may be the same bucket. */
  slowerFactor: 2,
  /** What is added to that: nobody at a terminal notices. */
  slowerMs: 20,
} as const

/** In words, why these figures are not good enough; null: they are, as far as they go. */
export function overBudget({ legacy, native, compared, mismatched }: Figures): string | null {
  const failing = shareOf(native.failed, native.requests)
  const failingThere = shareOf(legacy.failed, legacy.requests)
  const isAll = native.failed === native.requests && native.failed >= BUDGET.allFailed
  const isEnough = native.requests >= BUDGET.leastRequests && native.failed >= BUDGET.leastFailed
  if ((isAll || isEnough) && failing > failingThere + BUDGET.failedPoints)
    return `${percent(failing)} of our answers failed (${native.failed} of ${native.requests}), ${percent(failingThere)} of the legacy application’s`
  const differing = shareOf(mismatched, compared)
  if (compared >= BUDGET.leastCompared && mismatched >= BUDGET.leastMismatched && differing > BUDGET.mismatchedPercent)
    return `${percent(differing)} of the answers that were compared differ (${mismatched} of ${compared})`
  if (native.requests < BUDGET.leastRequests || legacy.requests < BUDGET.leastRequests) return null
  const [ours, theirs] = [percentile(native.buckets, 95), percentile(legacy.buckets, 95)]
  if (ours > theirs * BUDGET.slowerFactor + BUDGET.slowerMs)
    return `we are slower: 95 % of our answers took up to ${ours} ms, of the legacy application’s ${theirs} ms`
  return null
}

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : (100 * part) / whole)
const percent = (share: number): string => `${Math.round(share * 10) / 10} %`
