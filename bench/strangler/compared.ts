import { COMPARISONS, type Comparison } from '../../src/ports/strangler.ts'
import { ROUTE } from './modes.ts'

/** Comparisons by how they ended. */
export type Compared = Record<Comparison, number>

const SCRAPE_LIMIT_MS = 5_000

/** Since the start of the process whose metrics are there. */
export async function scrapeCompared(metricsPort: number): Promise<Compared> {
  const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
    signal: AbortSignal.timeout(SCRAPE_LIMIT_MS),
  })
  return comparedIn(await answer.text())
}

/** Of the text format of Prometheus. */
export function comparedIn(text: string): Compared {
  const lines = text.split('\n').filter((line) => line.startsWith('users_strangler_comparisons_total{'))
  const own = lines.filter((line) => line.includes(`route="${ROUTE}"`))
  const counts = COMPARISONS.map((outcome) => {
    const found = own.find((line) => line.includes(`outcome="${outcome}"`))
    if (found === undefined) throw new Error(`comparisons that end in ${outcome} are not counted`)
    return [outcome, Number(found.slice(found.lastIndexOf(' ')))]
  })
  return Object.fromEntries(counts) as Compared
}

export function since(before: Compared, after: Compared): Compared {
  return Object.fromEntries(COMPARISONS.map((outcome) => [outcome, after[outcome] - before[outcome]])) as Compared
}

/** Begun, and ended in whatever way. */
export function samplesIn(compared: Compared): number {
  return COMPARISONS.reduce((sum, outcome) => sum + (outcome === 'dropped' ? 0 : compared[outcome]), 0)
}
