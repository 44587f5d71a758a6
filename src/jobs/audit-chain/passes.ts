import { CHAIN_FAULTS, type ChainFault } from '../../ports/audit-trail.ts'

export const PASS = 'chains:pass'
export const BROKEN = 'chains:broken'

/** When a pass was first due, where there was none before. */
export const SINCE = 'chains:since'
export type BrokenPlaces = Partial<Record<ChainFault, number>>
/** A verification of the whole audit that has come to its end. */
export type Pass = { chains: number; entries: number; broken: BrokenPlaces; ms: number; endedAt: number }
export type ChainFigures = {
  /** Of the last whole pass; null: there was none. */
  chains: number | null
  /** Places, by what is wrong with them, as the last whole pass found them or the one under way, whichever found more. */
  broken: Record<ChainFault, number>
  /** Since the last whole pass ended, or since one was first due. */
  sincePassMs: number | null
}

/** `fields`: the tally as Redis holds it. */
export function chainFigures(fields: Record<string, string>, now: number): ChainFigures {
  const pass = parsed<Pass>(fields[PASS])
  const underWay = parsed<BrokenPlaces>(fields[BROKEN]) ?? {}
  const broken = Object.keys(CHAIN_FAULTS).map((fault) => [
    fault,
    Math.max(pass?.broken[fault as ChainFault] ?? 0, underWay[fault as ChainFault] ?? 0),
  ])
  const since = pass?.endedAt ?? parsed<number>(fields[SINCE])
  return {
    chains: pass?.chains ?? null,
    broken: Object.fromEntries(broken) as Record<ChainFault, number>,
    sincePassMs: since === null ? null : Math.max(0, now - since),
  }
}

/** Negative: by a clock that has been set back since. */
export function msSincePass(fields: Record<string, string>, now: number): number {
  return now - (parsed<Pass>(fields[PASS])?.endedAt ?? 0)
}

/** What nobody can read was never told. */
function parsed<Value>(text: string | undefined): Value | null {
  try {
    return text === undefined ? null : (JSON.parse(text) as Value)
  } catch {
    return null
  }
}
